"""core/vault and `gpustack vault` against ansible-vault, in both directions."""

import itertools
import os
import pathlib
import pty
import random
import re
import signal
import subprocess
import tempfile
import unittest

import ansible_program

DRIVER = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "vault_driver"
OURS = (str(DRIVER.with_name("gpustack")), "vault")
THEIRS = ("ansible-vault",)
TEXTS = {
    "empty": b"", "short": b"hello", "one_block": b"0123456789abcdef", "lines": b"a: 1\nb: [2, 3]\n",
    "binary": bytes(range(256)), "padding_like": b"x" * 14 + b"\x02\x02", "long": b"The quick brown fox. " * 5000,
    "unicode": "pässwörd ☃\n".encode(),
}
PASSWORDS = ["swordfish", "with space", "ünïcode", "x" * 100]


def ansible_vault(folder, action, password, content, *options):
    password_file = folder / "password"
    password_file.write_bytes(password.encode())
    source = folder / "source"
    source.write_bytes(content)
    label = next((option.split("=")[1] for option in options if option.startswith("id=")), None)
    identity = ["--vault-id", f"{label}@{password_file}"] if label else ["--vault-password-file", str(password_file)]
    done = ansible_program.run("ansible-vault", action, *identity, "--output", "-", str(source), cwd=folder,
                               env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"), "HOME": str(folder)})
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    return done.stdout


def ours(action, password, content, *options):
    return subprocess.run([DRIVER, action, password, *options], input=content, capture_output=True, timeout=120)


class Vault(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="gpustack-vault-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def test_ansible_opens_what_we_wrote(self):
        for name, text in TEXTS.items():
            with self.subTest(name):
                written = ours("encrypt", "swordfish", text).stdout
                self.assertEqual(ansible_vault(self.folder, "decrypt", "swordfish", written), text)

    def test_we_open_what_ansible_wrote(self):
        for name, text in TEXTS.items():
            if name == "empty":
                continue  # ansible-vault takes an empty file for one to be created
            with self.subTest(name):
                written = ansible_vault(self.folder, "encrypt", "swordfish", text)
                self.assertEqual(ours("decrypt", "swordfish", written).stdout, text)

    def test_passwords_of_all_kinds(self):
        for password in PASSWORDS:
            with self.subTest(password):
                written = ansible_vault(self.folder, "encrypt", password, b"text")
                self.assertEqual(ours("decrypt", password, written).stdout, b"text")
                written = ours("encrypt", password, b"text").stdout
                self.assertEqual(ansible_vault(self.folder, "decrypt", password, written), b"text")

    def test_vault_ids_travel_both_ways(self):
        written = ansible_vault(self.folder, "encrypt", "swordfish", b"text", "id=prod")
        self.assertTrue(written.startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n"), written[:60])
        self.assertEqual(ours("decrypt", "swordfish", written, "prod").stdout, b"text")
        written = ours("encrypt", "swordfish", b"text", "prod").stdout
        self.assertTrue(written.startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n"), written[:60])
        self.assertEqual(ansible_vault(self.folder, "decrypt", "swordfish", written, "id=prod"), b"text")

    def test_both_refuse_a_wrong_password(self):
        written = ansible_vault(self.folder, "encrypt", "swordfish", b"text")
        self.assertEqual(ours("decrypt", "trout", written).returncode, 1)
        with self.assertRaises(AssertionError):
            ansible_vault(self.folder, "decrypt", "trout", ours("encrypt", "swordfish", b"text").stdout)

    def test_carriage_returns_and_a_changed_byte(self):
        written = ansible_vault(self.folder, "encrypt", "swordfish", b"text")
        self.assertEqual(ours("decrypt", "swordfish", written.replace(b"\n", b"\r\n")).stdout, b"text")
        lines = written.split(b"\n")
        lines[-3] = lines[-3][:-1] + (b"0" if lines[-3][-1:] != b"0" else b"1")
        self.assertEqual(ours("decrypt", "swordfish", b"\n".join(lines)).returncode, 1)


def random_texts(count):
    """Texts of 0 to 100 KB: bytes of all kinds, lines, and sizes around the cipher's block."""
    chance = random.Random(20260)
    sizes = [0, 1, 15, 16, 17, 31, 32, 33, 100_000]
    for number in range(count):
        size = sizes[number] if number < len(sizes) else int(100_000 ** chance.random())
        yield chance.randbytes(size) if number % 2 else ("key: välue ☃\n" * (size // 15 + 1)).encode()[:size]


def oracle(password=b"swordfish", vault_id="default"):
    """ansible-vault's own library, in this process."""
    from ansible.parsing.vault import VaultLib, VaultSecret
    return VaultLib([(vault_id, VaultSecret(password))])


def opened(text, password=b"swordfish"):
    return oracle(password).decrypt(text)


class Place:
    """A folder with password files, and the two programs run in it."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        for name in ("dev", "prod", "new", "wrong"):
            self.write(f"{name}.pw", f"{name}-secret\n".encode())
        self.write("pw", b"swordfish\n")
        script = self.write("keys-client.sh", b'#!/bin/sh\n[ "$2" = dev ] && echo dev-secret || exit 2\n')
        script.chmod(0o700)

    def write(self, name, content):
        path = self.path / name
        path.write_bytes(content)
        return path

    def read(self, name):
        return (self.path / name).read_bytes()

    def environment(self, more):
        return {"PATH": os.environ["PATH"], "HOME": str(self.path), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1",
                "ANSIBLE_LOCAL_TEMP": str(self.path / "tmp"), **more}

    def run(self, program, *words, text=b"", **more):
        # A session of its own has no terminal: passwords are asked for on standard input.
        if program == THEIRS:
            return ansible_program.run(*program, *words, cwd=self.path, env=self.environment(more), text=text)
        return subprocess.run([*program, *words], cwd=self.path, input=text, capture_output=True, timeout=120, env=self.environment(more),
                              start_new_session=True)

    def typed(self, program, words, answers, **more):
        """Runs at a terminal; `answers` are typed as soon as the text before them is shown. Returns all that was shown, exit code."""
        ansible_program.load(*THEIRS)
        child, terminal = pty.fork()
        if child == 0:
            if program == THEIRS:
                ansible_program.become(*program, words, self.path, self.environment({"TERM": "dumb", **more}))
            try:
                os.chdir(self.path)
                os.execvpe(program[0], [*program, *words], self.environment({"TERM": "dumb", **more}))
            finally:
                os._exit(99)
        shown, pending = b"", list(answers)
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
            if pending and shown.endswith(pending[0][0]):
                os.write(terminal, pending.pop(0)[1])
        os.close(terminal)
        return shown.replace(b"\r\n", b"\n"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Verb(unittest.TestCase):
    """`gpustack vault` beside the program `ansible-vault`."""

    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="gpustack-vault-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.ours, self.theirs = Place(self.folder / "ours"), Place(self.folder / "theirs")

    def places(self):
        return (self.ours, OURS), (self.theirs, THEIRS)

    def write(self, name, content):
        for place, _ in self.places():
            place.write(name, content)

    def both(self, *words, text=b"", code=0, says=None, **more):
        """The same command line through both: the same exit code, `says` among the words on standard error."""
        done = [place.run(program, *words, text=text, **more) for place, program in self.places()]
        for one in done:
            self.assertEqual(code, one.returncode, f"{one.args}\n{one.stdout}\n{one.stderr.decode()}")
            if says is not None:
                self.assertIn(says, one.stderr.decode())
        return done

    def encrypted(self, text=b"a: 1\n", password=b"swordfish", vault_id=None):
        return oracle(password).encrypt(text, vault_id=vault_id)


class Files(Verb):
    def test_two_hundred_files_both_ways(self):
        texts = list(random_texts(200))
        for number, text in enumerate(texts):
            self.ours.write(f"plain{number}", text)
            self.ours.write(f"theirs{number}", self.encrypted(text, vault_id="prod" if number % 3 == 0 else None))

        ours = self.ours.run(OURS, "encrypt", "--vault-id", "prod@pw", *[f"plain{number}" for number in range(200)])
        theirs = self.ours.run(OURS, "decrypt", "--vault-password-file", "pw", *[f"theirs{number}" for number in range(200)])

        self.assertEqual((0, b""), (ours.returncode, ours.stderr))
        self.assertEqual((0, b""), (theirs.returncode, theirs.stderr))
        for number, text in enumerate(texts):
            with self.subTest(number=number, size=len(text)):
                written = self.ours.read(f"plain{number}")
                self.assertTrue(written.startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n"))
                self.assertEqual(text, opened(written))
                self.assertEqual(text, self.ours.read(f"theirs{number}"))

    def test_the_same_salt_gives_the_same_bytes(self):
        salt = bytes(range(1, 33))
        for text in itertools.islice(random_texts(40), 40):
            theirs = oracle().encrypt(text, salt=salt)
            self.assertEqual(theirs, ours("encrypt", "swordfish", text, "", salt.hex()).stdout)

    def test_standard_input_and_output(self):
        for done in self.both("encrypt", "--vault-password-file", "pw", text=b"a: 1\n"):
            self.assertEqual((b"a: 1\n", b""), (opened(done.stdout), done.stderr))
        for done in self.both("encrypt", "--vault-password-file=pw", "-", "--output", "-", text=b"\xff\x00"):
            self.assertEqual(b"\xff\x00", opened(done.stdout))
        for done in self.both("decrypt", "--vault-pass-file", "pw", text=self.encrypted(b"\xff\x00")):
            self.assertEqual((b"\xff\x00", b""), (done.stdout, done.stderr))

    def test_output(self):
        self.write("f", b"text")
        self.write("old", b"what was there")
        for name in ("new", "old", "~/home"):
            self.both("encrypt", "--vault-password-file", "pw", "--output", name, "f")
        for place, _ in self.places():
            self.assertEqual(b"text", place.read("f"))
            for name in ("new", "old"):
                self.assertEqual(b"text", opened(place.read(name)))
            self.assertEqual(0o600, (place.path / "new").stat().st_mode & 0o777)
        for done in self.both("decrypt", "--vault-password-file", "pw", "--output", "-", "new"):
            self.assertEqual(b"text", done.stdout)
        self.both("encrypt", "--vault-password-file", "pw", "--output", "x", "f", "new", code=5, says="At most one input file")

    def test_view(self):
        for text in (b"a: 1\n", b"a: 1", b"", b"a: 1\n\n"):
            self.write("f", self.encrypted(text))
            ours, theirs = self.both("view", "--vault-password-file", "pw", "f")
            self.assertEqual((theirs.stdout, theirs.stderr), (ours.stdout, ours.stderr), text)
        self.write("g", self.encrypted(b"b: 2\n"))
        ours, theirs = self.both("view", "--vault-password-file", "pw", "f", "g")
        self.assertEqual(theirs.stdout, ours.stdout)

    def test_faults(self):
        self.write("plain", b"a: 1\n")
        self.write("vault", self.encrypted())
        self.write("damaged", self.encrypted()[:-9] + b"zz\n")
        password = ("--vault-password-file", "pw")
        wrong = "Decryption failed (no vault secrets were found that could decrypt)"
        for words, code, says in (
                (("encrypt", *password, "vault"), 1, "input is already encrypted"),
                (("decrypt", *password, "plain"), 1, "input is not vault encrypted data"),
                (("view", *password, "plain"), 1, "input is not vault encrypted data"),
                (("rekey", *password, "--new-vault-password-file", "new.pw", "plain"), 1, "input is not vault encrypted data"),
                (("edit", *password, "plain"), 1, "input is not vault encrypted data"),
                (("decrypt", "--vault-password-file", "wrong.pw", "vault"), 1, wrong),
                (("view", "--vault-id", "dev@wrong.pw", "vault"), 1, wrong),
                (("rekey", "--vault-id", "wrong.pw", "--new-vault-id", "new@new.pw", "vault"), 1, wrong),
                (("edit", "--vault-password-file", "wrong.pw", "vault"), 1, wrong),
                (("decrypt", *password, "damaged"), 1, None),
                (("decrypt", *password, "missing"), 1, "missing"),
                (("view", "--vault-password-file", "missing.pw", "vault"), 1, "missing.pw"),
                (("view", "--vault-id", "prod@keys-client.sh", "vault"), 1, "keys-client.sh"),
                (("create", *password, "vault"), 1, "exists, please use 'edit' instead"),
                (("create", *password, "a", "b"), 5, "can take only one filename argument"),
                (("encrypt", "--vault-id", "a;b@pw", "plain"), 5, "The character ';' is not allowed in vault ids"),
                (("encrypt", "--vault-id", "dev@dev.pw", "--vault-id", "prod@prod.pw", "plain"), 5,
                 "The vault-ids dev,prod are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id"),
                (("encrypt", "--vault-id", "dev@dev.pw", "--encrypt-vault-id", "x", "plain"), 1,
                 "Did not find a match for --encrypt-vault-id=x in the known vault-ids ['dev']"),
                (("rekey", *password, "--new-vault-password-file", "new.pw", "--new-vault-id", "new@new.pw", "vault"), 2, None),
                (("encrypt", *password, "--ask-vault-pass", "plain"), 2, None),
                (("encrypt", "--no-such-option", "plain"), 2, None),
                (("encrypt", "--vault-id"), 2, None),
                (("frobnicate", "plain"), 2, None),
                ((), 2, None)):
            with self.subTest(words=words):
                before = [(place.read("plain"), place.read("vault")) for place, _ in self.places()]
                self.both(*words, code=code, says=says)
                self.assertEqual(before, [(place.read("plain"), place.read("vault")) for place, _ in self.places()])

    def test_a_fault_in_the_middle_of_files(self):
        self.write("a", b"a")
        self.write("b", self.encrypted())
        self.write("c", b"c")
        self.both("encrypt", "--vault-password-file", "pw", "a", "b", "c", code=1)
        for place, _ in self.places():
            self.assertEqual((b"a", b"a: 1\n", b"c"), (opened(place.read("a")), opened(place.read("b")), place.read("c")))

    def test_owner_mode_and_links(self):
        for name in ("encrypt", "rekey", "decrypt"):
            self.ours.write(name, b"text" if name == "encrypt" else self.encrypted(b"text")).chmod(0o640)
        link = self.ours.path / "link"
        link.symlink_to("encrypt")

        self.ours.run(OURS, "encrypt", "--vault-password-file", "pw", "link")
        self.ours.run(OURS, "rekey", "--vault-password-file", "pw", "--new-vault-password-file", "new.pw", "rekey")
        self.ours.run(OURS, "decrypt", "--vault-password-file", "pw", "decrypt")

        modes = [(self.ours.path / name).stat().st_mode & 0o777 for name in ("encrypt", "rekey", "decrypt")]
        self.assertEqual([0o640, 0o640, 0o600], modes, "plain text is its owner's alone")
        self.assertTrue(link.is_symlink())
        self.assertEqual(b"text", opened(self.ours.read("encrypt")))
        self.assertEqual([], [path.name for path in self.ours.path.iterdir() if path.name.startswith(".")], "nothing is left behind")


class Identities(Verb):
    IDS = ("--vault-id", "dev@dev.pw", "--vault-id", "prod@prod.pw")

    def headers(self, name="f"):
        return [place.read(name).split(b"\n")[0] for place, _ in self.places()]

    def assert_same_header(self, expected, password, text=b"a: 1\n", name="f"):
        self.assertEqual([expected, expected], self.headers(name))
        for place, _ in self.places():
            self.assertEqual(text, opened(place.read(name), password))

    def test_the_id_to_encrypt_with(self):
        for words, more, header, password in (
                ((*self.IDS, "--encrypt-vault-id", "prod"), {}, b"$ANSIBLE_VAULT;1.2;AES256;prod", b"prod-secret"),
                (self.IDS, {"ANSIBLE_VAULT_ENCRYPT_IDENTITY": "prod"}, b"$ANSIBLE_VAULT;1.2;AES256;prod", b"prod-secret"),
                (("--vault-id", "dev@keys-client.sh"), {}, b"$ANSIBLE_VAULT;1.2;AES256;dev", b"dev-secret"),
                (("--vault-id", "dev.pw"), {}, b"$ANSIBLE_VAULT;1.1;AES256", b"dev-secret"),
                (("--vault-id", "default@dev.pw"), {}, b"$ANSIBLE_VAULT;1.1;AES256", b"dev-secret"),
                ((), {"ANSIBLE_VAULT_PASSWORD_FILE": "dev.pw"}, b"$ANSIBLE_VAULT;1.1;AES256", b"dev-secret"),
                ((), {"ANSIBLE_VAULT_IDENTITY_LIST": "prod@prod.pw"}, b"$ANSIBLE_VAULT;1.2;AES256;prod", b"prod-secret"),
                (("--encrypt-vault-id", "dev"), {"ANSIBLE_VAULT_IDENTITY_LIST": "prod@prod.pw, dev@dev.pw"},
                 b"$ANSIBLE_VAULT;1.2;AES256;dev", b"dev-secret"),
                (("--vault-id", "dev@missing.pw", "--vault-id", "prod@prod.pw"), {}, b"$ANSIBLE_VAULT;1.2;AES256;prod", b"prod-secret")):
            with self.subTest(words=words, more=more):
                self.write("f", b"a: 1\n")
                self.both("encrypt", *words, "f", **more)
                self.assert_same_header(header, password)

    def test_rekey_between_ids(self):
        for words, more, header, password in (
                ((*self.IDS, "--new-vault-id", "new@new.pw"), {}, b"$ANSIBLE_VAULT;1.2;AES256;new", b"new-secret"),
                ((*self.IDS, "--new-vault-password-file", "new.pw"), {}, b"$ANSIBLE_VAULT;1.1;AES256", b"new-secret"),
                ((*self.IDS, "--encrypt-vault-id", "new", "--new-vault-id", "new@new.pw"), {}, b"$ANSIBLE_VAULT;1.2;AES256;new", b"new-secret"),
                (("--encrypt-vault-id", "prod"), {"ANSIBLE_VAULT_IDENTITY_LIST": "dev@dev.pw,prod@prod.pw"},
                 b"$ANSIBLE_VAULT;1.2;AES256;prod", b"prod-secret"),
                (("--new-vault-password-file", "new.pw"), {"ANSIBLE_VAULT_PASSWORD_FILE": "dev.pw"}, b"$ANSIBLE_VAULT;1.1;AES256", b"new-secret")):
            with self.subTest(words=words, more=more):
                self.write("f", self.encrypted(password=b"dev-secret", vault_id="dev"))
                ours, theirs = self.both("rekey", *words, "f", **more)
                self.assertEqual((theirs.stdout, theirs.stderr), (ours.stdout, ours.stderr))
                self.assertEqual(b"Rekey successful\n", ours.stderr)
                self.assert_same_header(header, password)

    def test_only_the_id_of_the_text(self):
        self.write("f", self.encrypted(password=b"dev-secret", vault_id="prod"))
        self.both("view", *self.IDS, "f")
        self.both("view", *self.IDS, "f", code=1, says="Decryption failed", ANSIBLE_VAULT_ID_MATCH="true")

    def test_edit(self):
        self.write("change", b'#!/bin/sh\nstat -c "%a" "$1" > mode; cp "$1" seen; printf "b: 2\\n" >> "$1"\n')
        self.write("keep", b"#!/bin/sh\nexit 3\n")
        for place, _ in self.places():
            for name in ("change", "keep"):
                (place.path / name).chmod(0o700)
        before = self.encrypted(password=b"dev-secret", vault_id="other")
        self.write("f", before)
        self.both("edit", *self.IDS, "f", EDITOR="./keep")
        self.assertEqual([before, before], [place.read("f") for place, _ in self.places()])
        self.both("edit", *self.IDS, "f", EDITOR="sh ./change")
        self.assert_same_header(b"$ANSIBLE_VAULT;1.2;AES256;other", b"dev-secret", b"a: 1\nb: 2\n")
        for place, _ in self.places():
            self.assertEqual((b"a: 1\n", b"600\n"), (place.read("seen"), place.read("mode")))
        self.both("edit", *self.IDS, "f", code=1, EDITOR="./missing")
        self.assert_same_header(b"$ANSIBLE_VAULT;1.2;AES256;other", b"dev-secret", b"a: 1\nb: 2\n")

    def test_create(self):
        self.write("change", b'#!/bin/sh\nprintf "b: 2\\n" >> "$1"\n')
        self.both("create", "--vault-id", "dev@dev.pw", "sub/f.yml", EDITOR="sh change")
        self.assert_same_header(b"$ANSIBLE_VAULT;1.2;AES256;dev", b"dev-secret", b"b: 2\n", "sub/f.yml")
        self.both("create", "--vault-id", "dev@dev.pw", "empty", EDITOR="true")
        self.assert_same_header(b"$ANSIBLE_VAULT;1.2;AES256;dev", b"dev-secret", b"", "empty")

    def test_nothing_is_left_of_the_plain_text(self):
        self.ours.write("f", self.encrypted())
        (self.ours.path / "tmp").mkdir()
        # The editor leaves a copy beside its file, and is stopped in the midst of its work.
        self.ours.write("half", b'#!/bin/sh\necho "$1" > where; cp "$1" "$1~"; printf x >> "$1"; kill -TERM $PPID; exec sleep 30\n').chmod(0o700)

        done = self.ours.run(OURS, "edit", "--vault-password-file", "pw", "f", EDITOR="./half")

        self.assertEqual(-signal.SIGTERM, done.returncode, done.stderr)
        self.assertTrue(self.ours.read("where").decode().startswith(str(self.ours.path / "tmp")))
        self.assertEqual([], list((self.ours.path / "tmp").iterdir()))
        self.assertEqual(b"a: 1\n", opened(self.ours.read("f")))


class Strings(Verb):
    PASSWORD = ("--vault-password-file", "pw")

    def assert_same(self, *words, text=b"", texts=(), **more):
        """Equal output but for what the salt changes, which must open to `texts`."""
        ours, theirs = self.both("encrypt_string", *self.PASSWORD, *words, text=text, **more)
        self.assertEqual(theirs.stderr, ours.stderr)
        blank = re.compile(rb"(?m)^ {10}[0-9a-f]+$")
        self.assertEqual(blank.sub(b"<hex>", theirs.stdout), blank.sub(b"<hex>", ours.stdout))
        blocks = re.findall(rb"!vault \|\n((?: {10}\S+\n?)+)", ours.stdout)
        self.assertEqual(list(texts), [opened(re.sub(rb"(?m)^ {10}", b"", block)) for block in blocks])

    def test_texts_and_names(self):
        self.assert_same("hunter2", texts=[b"hunter2"])
        self.assert_same("hunter2", "--name", "password", texts=[b"hunter2"])
        self.assert_same("[a,b]", "{a: 1}", "-n", "list", texts=[b"[a,b]", b"{a: 1}"])
        self.assert_same("one", "two", "three", "-n", "a", "--name=b", texts=[b"one", b"two", b"three"])
        self.assert_same("one", "-n", "a", "-n", "b", texts=[b"one"])
        self.assert_same("-----BEGIN KEY-----\nx==\n-----END KEY-----\n", texts=[b"-----BEGIN KEY-----\nx==\n-----END KEY-----\n"])
        self.assert_same("--", "-x", texts=[b"-x"])

    def test_standard_input(self):
        self.assert_same(text=b"hunter2\n", texts=[b"hunter2\n"])
        self.assert_same("-", text=b"two\r\nlines\r", texts=[b"two\nlines\n"])
        self.assert_same("--stdin-name", "password", text=b"hunter2", texts=[b"hunter2"])
        self.assert_same("--stdin-name", "password", "more", "-n", "a", text=b"hunter2", texts=[b"hunter2", b"more"])

    def test_output(self):
        self.both("encrypt_string", *self.PASSWORD, "hunter2", "-n", "a", "--output", "out")
        first = [place.read("out").split(b"\n")[:2] for place, _ in self.places()]
        self.assertEqual(first[0], first[1])
        self.assertEqual([False, False], [place.read("out").endswith(b"\n") for place, _ in self.places()])

    def test_faults(self):
        for words, code, says in ((("",), 5, "The plaintext provided from the command line args was empty, not encrypting"),
                                  ((), 5, "stdin was empty, not encrypting"),
                                  (("-p", "-"), 5, "The --prompt option is not supported if also reading input from stdin"),
                                  (("$ANSIBLE_VAULT;1.1;AES256\n00",), 1, "input is already encrypted")):
            with self.subTest(words=words):
                self.both("encrypt_string", *self.PASSWORD, *words, code=code, says=says)


class Prompts(Verb):
    def both_typed(self, words, answers, code=0, **more):
        """The same questions and the same words around them at a terminal. Returns what was shown."""
        shown = []
        for place, program in self.places():
            text, ended = place.typed(program, words, answers, **more)
            self.assertEqual(code, ended, f"{program}\n{text.decode()}")
            shown.append(text)
        return shown

    def assert_same_typed(self, words, answers, **more):
        ours, theirs = self.both_typed(words, answers, **more)
        # Python writes standard output when it ends, behind what it says on standard error.
        self.assertEqual(sorted(theirs.splitlines()), sorted(ours.splitlines()))

    def test_old_and_new_passwords(self):
        new = [(b"New Vault password: ", b"swordfish\n"), (b"Confirm New Vault password: ", b" swordfish \n")]
        for option in ((), ("--ask-vault-pass",), ("--ask-vault-password",)):
            self.write("f", b"a: 1\n")
            self.assert_same_typed(["encrypt", *option, "f"], new)
            for place, _ in self.places():
                self.assertEqual(b"a: 1\n", opened(place.read("f")))
        self.assert_same_typed(["decrypt", "--output", "-", "f"], [(b"Vault password: ", b"swordfish\n")])
        self.assert_same_typed(["rekey", "f"], [(b"Vault password: ", b"swordfish\n"), (b"New Vault password: ", b"trout\n"),
                                                (b"Confirm New Vault password: ", b"trout\n")])
        for place, _ in self.places():
            self.assertEqual(b"a: 1\n", opened(place.read("f"), b"trout"))

    def test_several_ids_over_a_file(self):
        self.write("f", self.encrypted(password=b"prod-secret", vault_id="prod"))
        ids = ["--vault-id", "dev@prompt", "--vault-id", "prod@prompt"]
        answers = [(b"Vault password (dev): ", b"dev-secret\n"), (b"Vault password (prod): ", b"prod-secret\n")]
        self.assert_same_typed(["view", *ids, "f"], answers, PAGER="cat")
        self.assert_same_typed(["decrypt", *ids, "--vault-id", "new@new.pw", "f"], answers)
        new = [(f"{word} vault password ({name}): ".encode(), f"{name}-secret\n".encode())
               for name in ("dev", "prod") for word in ("New", "Confirm new")]
        self.assert_same_typed(["encrypt", *ids, "--encrypt-vault-id", "prod", "f"], new)
        for place, _ in self.places():
            self.assertTrue(place.read("f").startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n"))
            self.assertEqual(b"a: 1\n", opened(place.read("f"), b"prod-secret"))

    def test_passwords_that_will_not_do(self):
        self.write("f", b"a: 1\n")
        for shown in self.both_typed(["encrypt", "f"], [(b"New Vault password: ", b"one\n"), (b"Confirm New Vault password: ", b"two\n")], code=1):
            self.assertIn(b"Passwords do not match", shown)
        for shown in self.both_typed(["encrypt", "f"], [(b"New Vault password: ", b"\n")], code=1):
            self.assertIn(b"Invalid vault password was provided", shown)
        for shown in self.both_typed(["encrypt", "f"], [(b"New Vault password: ", b"\x03")], code=99):
            self.assertIn(b"User interrupted execution", shown)
        self.assertEqual([b"a: 1\n"] * 2, [place.read("f") for place, _ in self.places()])

    def test_passwords_from_standard_input_without_a_terminal(self):
        self.write("f", b"a: 1\n")
        self.both("encrypt", "--vault-id", "dev@prompt", "f", text=b"dev-secret\ndev-secret\n")
        self.both("view", "--ask-vault-pass", "f", text=b"dev-secret\n", says="Vault password: ")
        self.both("view", "--ask-vault-pass", "f", text=b"", code=1)

    def test_texts_that_are_asked_for(self):
        for option, question in (((), b"String to encrypt (hidden): "), (("--show-input",), b"String to encrypt:")):
            words = ["encrypt_string", "--vault-password-file", "pw", "-p", *option]
            answers = [(b"Variable name (enter for no name): ", b"token\n"), (question, b"hunter2\n")]
            shown = self.both_typed([*words, "more"], answers)
            # ansible-core 2.14 asks only beside a text of the command line.
            for text in (*shown, self.ours.typed(OURS, words, answers)[0]):
                self.assertEqual(option == ("--show-input",), b"hunter2" in text)
                self.assertIn(b"token: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n", text)
                block = re.search(rb"!vault \|\n((?: {10}[$;A-Z_0-9a-f.]+\n?)+)", text.replace(b"Encryption successful", b""))[1]
                self.assertEqual(b"hunter2", opened(re.sub(rb"(?m)^ {10}", b"", block)))


if __name__ == "__main__":
    unittest.main()
