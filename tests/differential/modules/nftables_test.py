"""nftables with the real nft and the kernel's packet filter, in network and mount namespaces of the test."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

FILE = "/var/lib/rules.nft"
RULES = """define PORTS = { 22, 8000 }
table inet filter {
  set seen { type ipv4_addr; flags dynamic,timeout; timeout 5m; }
  chain input {
    comment "a { b"
    type filter hook input priority 0; policy accept;
    tcp dport $PORTS counter accept
  }
}
table ip nat {
  chain out {
    type nat hook postrouting priority 100;
  }
}
"""


def nft(*words):
    return subprocess.run(["nft", *words], capture_output=True, text=True, check=True).stdout


def inside():
    """What runs find and leave behind, step by step."""
    import oracle
    ours = oracle.Ours()
    told = []

    def run(check=False, **arguments):
        told.append(ours.run("nftables", dict({"path": FILE, "content": RULES}, **arguments), check=check))

    nft("add", "table", "ip", "docker")
    run(check=True)
    told.append(nft("list", "tables"))
    run()
    run()
    told.append(nft("-s", "list", "ruleset"))
    nft("add", "rule", "ip", "nat", "out", "masquerade")
    nft("add", "element", "inet", "filter", "seen", "{ 10.0.0.1 }")
    run(check=True)
    run()
    run()
    told.append(nft("list", "chain", "ip", "nat", "out"))
    run(content=RULES.replace("chain input", "chian input"))
    run(flush="ruleset")
    told.append(nft("list", "tables"))
    ours.close()
    print("\nTOLD " + json.dumps(told))


@unittest.skipUnless(os.geteuid() == 0, "a network namespace and its packet filter need root")
@unittest.skipUnless(shutil.which("nft"), "the program nft is not installed")
class Nftables(unittest.TestCase):
    def test_rules_are_loaded_as_a_whole(self):
        script = "mount -t tmpfs tmpfs /var/lib && exec /usr/bin/python3 %s inside" % os.path.abspath(__file__)
        done = subprocess.run(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script], capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
        self.assertTrue(lines, done.stdout + done.stderr)
        dry, untouched, first, second, rules, drift, repaired, steady, nat, wrong, whole, tables = json.loads(lines[0][len("TOLD "):])

        self.assertTrue(dry["changed"])
        self.assertEqual("table ip docker\n", untouched)
        self.assertEqual([True, True], [first["changed"], first["loaded"]])
        self.assertEqual([False, False], [second["changed"], second["loaded"]])
        self.assertEqual(["inet filter", "ip nat"], first["tables"])
        self.assertIn("tcp dport { 22, 8000 } counter accept", rules)
        self.assertIn("table ip docker", rules)
        self.assertEqual([True, True, False], [drift["changed"], repaired["changed"], steady["changed"]])
        self.assertNotIn("masquerade", nat)
        self.assertTrue(wrong["failed"])
        self.assertIn("unexpected string", wrong["msg"])
        self.assertTrue(whole["changed"])
        self.assertEqual("table inet filter\ntable ip nat\n", tables)


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
    else:
        unittest.main()
