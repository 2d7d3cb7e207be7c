"""expect against Ansible's, which pexpect serves, with programs that ask on a real terminal."""

import importlib.util
import unittest

import oracle

ASKS = "printf 'Name: '; read x; echo hi $x; printf 'again? '; read y; echo $y"
KEYS = ("changed", "cmd", "rc", "stdout")


def shell(script, responses, **more):
    return dict(more, command="sh -c '%s'" % script.replace("'", '"'), responses=responses)


@unittest.skipUnless(importlib.util.find_spec("pexpect"), "python3-pexpect is not installed")
class Expect(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.ours = oracle.Ours()
        cls.addClassCleanup(cls.ours.close)

    def agree(self, arguments, same_message=True):
        theirs, mine = oracle.run_theirs("expect", arguments), self.ours.run("expect", arguments)
        what = (arguments, theirs, mine)
        self.assertEqual(bool(theirs.get("failed")), bool(mine.get("failed")), what)
        if "stdout" in theirs:
            self.assertEqual([theirs[key] for key in KEYS], [mine[key] for key in KEYS], what)
        if same_message:
            self.assertEqual(theirs.get("msg"), mine.get("msg"), what)

    def test_questions(self):
        self.agree(shell(ASKS, {"Name: $": "ops", "again.": ["yes"]}))
        self.agree(shell(ASKS, {"Name: $": "ops\n", "again.": 5}, echo=True))
        self.agree(shell("printf 'l1\\nl2? '; read x; echo $x", {"l1.*\\?": "dot", "(?i)L2": "later"}))
        self.agree(shell("seq 1 3000; printf pass:; stty -echo; read x; echo; echo ${#x}", {"(?i)PASS:": "secret"}))

    def test_the_terminal(self):
        self.agree(shell("pwd; stty size; stty -a | grep -o -- \"[-]*echo \"; tty -s && echo tty", {"no": "x"}, chdir="/usr"))

    def test_ends(self):
        self.agree(shell("echo a; echo b; exit 4", {"no": "x"}))
        self.agree(shell("read x; echo never", {"no": "x"}, timeout=1))
        self.agree(shell("kill -9 $$", {"no": "x"}), same_message=False)
        self.agree(shell("printf q:; read x; printf q:; read x", {"q:": ["1"]}), same_message=False)
        self.agree(dict(command="no-such-program x", responses={"q": "x"}), same_message=False)
        self.agree(dict(command="", responses={"q": "x"}))

    def test_files_that_decide(self):
        for more in (dict(creates="/usr"), dict(removes="/none"), dict(creates="/none"), dict(removes="bin", chdir="/usr")):
            self.agree(shell("echo run", {"no": "x"}, **more))


if __name__ == "__main__":
    unittest.main()
