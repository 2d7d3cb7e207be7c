"""iptables against Ansible's, with the kernel's own packet filter, in network namespaces of the test."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

TABLES = ("filter", "nat", "mangle", "raw")
KEYS = ("rule", "chain", "table", "flush", "state", "ip_version", "chain_management")


def snapshot():
    """All rules of all tables, without comments and counters."""
    found = {}
    for program in ("iptables-save", "ip6tables-save"):
        for table in TABLES:
            text = subprocess.run([program, "-t", table], capture_output=True, text=True).stdout
            found[program + " " + table] = [re.sub(r" ?\[\d+:\d+\]", "", line) for line in text.splitlines() if not line.startswith("#")]
    return found


def inside(side):
    """Every step in check mode and twice for real, with a snapshot after each."""
    import oracle
    ours = oracle.Ours()
    run = ours.run if side == "ours" else oracle.run_theirs
    answers = []
    for one in json.load(sys.stdin):
        for mode in ("check", "run", "again"):
            answers.append({"result": run("iptables", one, check=mode == "check"), "rules": snapshot()})
    ours.close()
    print("\nANSWERS " + json.dumps(answers))


def run_side(side, steps):
    # -n: rules of one side are seen neither by the other side nor by this machine.
    done = subprocess.run(["unshare", "--net", "/usr/bin/python3", os.path.abspath(__file__), side],
                          input=json.dumps(steps), capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("ANSWERS "):
            return json.loads(line[len("ANSWERS "):])
    raise AssertionError("no answers from %s:\n%s\n%s" % (side, done.stdout[-3000:], done.stderr[-3000:]))


@unittest.skipUnless(os.geteuid() == 0, "a network namespace and its packet filter need root")
@unittest.skipUnless(shutil.which("iptables"), "the program iptables is not installed")
class Iptables(unittest.TestCase):
    maxDiff = None

    def agree(self, *steps, check=True):
        theirs, ours = run_side("theirs", steps), run_side("ours", steps)
        place = 0
        for arguments in steps:
            for mode in ("check", "run", "again"):
                oracle, mine = theirs[place], ours[place]
                place += 1
                what = (mode, arguments, oracle["result"], mine["result"])
                self.assertEqual(oracle["rules"], mine["rules"], what)
                if mode == "check" and not check:
                    continue
                self.assertEqual(bool(oracle["result"].get("failed")), bool(mine["result"].get("failed")), what)
                if oracle["result"].get("failed"):
                    continue
                self.assertEqual(oracle["result"]["changed"], mine["result"]["changed"], what)
                for key in KEYS:
                    self.assertEqual(oracle["result"].get(key), mine["result"].get(key), (key,) + what)

    def test_rules(self):
        web = dict(chain="INPUT", protocol="tcp", destination_port="80", jump="ACCEPT", comment="the web")
        self.agree(
            web, dict(chain="INPUT", source="10.0.0.0/8", jump="DROP", action="insert"),
            dict(chain="INPUT", source="!192.168.0.0/16", in_interface="!lo", jump="REJECT", action="insert", rule_num="2"),
            dict(chain="FORWARD", ctstate=["ESTABLISHED", "RELATED"], jump="ACCEPT"),
            dict(chain="INPUT", protocol="tcp", syn="match", jump="DROP"), dict(chain="INPUT", protocol="tcp", syn="negate", jump="ACCEPT"),
            dict(chain="INPUT", protocol="tcp", destination_ports=["80", "443", "8081:8083"], jump="ACCEPT"),
            dict(chain="OUTPUT", uid_owner="!root", jump="ACCEPT", wait="5"), dict(chain="OUTPUT", gid_owner="daemon", jump="ACCEPT"),
            dict(chain="FORWARD", src_range="10.0.0.1-10.0.0.9", dst_range="10.1.0.1-10.1.0.9", jump="ACCEPT"),
            dict(chain="INPUT", protocol="tcp", reject_with="tcp-reset"), dict(chain="INPUT", protocol="icmp", icmp_type="echo-request", jump="DROP"),
            dict(chain="OUTPUT", protocol="tcp", jump="DROP", tcp_flags={"flags": ["ALL"], "flags_set": ["ACK", "SYN"]}),
            dict(chain="FORWARD", limit="2/second", limit_burst="20", log_prefix="seen: ", log_level="info"),
            dict(web, state="absent"), dict(chain="INPUT", source="10.9.9.9", jump="DROP", state="absent"))

    def test_other_tables(self):
        self.agree(
            dict(table="nat", chain="PREROUTING", protocol="tcp", match=["tcp"], destination_port="80", jump="REDIRECT", to_ports="8600"),
            dict(table="nat", chain="POSTROUTING", out_interface="eth0", jump="SNAT", to_source="10.0.0.1"),
            dict(table="nat", chain="PREROUTING", protocol="tcp", jump="DNAT", to_destination="10.0.0.2:80"),
            dict(table="mangle", chain="OUTPUT", protocol="tcp", jump="DSCP", set_dscp_mark="8"),
            dict(table="mangle", chain="OUTPUT", protocol="udp", jump="DSCP", set_dscp_mark_class="CS1"),
            dict(chain="INPUT", ip_version="ipv6", protocol="icmpv6", icmp_type="echo-request", jump="ACCEPT"),
            dict(chain="INPUT", ip_version="ipv6", source="fe80::/10", jump="ACCEPT"))

    def test_policies(self):
        self.agree(dict(chain="INPUT", policy="DROP"), dict(chain="INPUT", policy="ACCEPT"), dict(chain="NONE", policy="DROP"))

    def test_chains(self):
        # In check mode Ansible asks for a chain that is only made when it is not.
        own = dict(chain="OWN", chain_management=True)
        self.agree(dict(own, protocol="tcp", jump="ACCEPT"), dict(chain="INPUT", jump="OWN"), dict(chain="INPUT", jump="OWN", state="absent"),
                   dict(chain="OWN", flush=True), dict(own, state="absent"), dict(chain="NONE", source="10.0.0.1", jump="DROP"))

    def test_flush(self):
        self.agree(dict(chain="INPUT", jump="DROP"), dict(chain="INPUT", flush=True), dict(table="nat", chain="OUTPUT", jump="ACCEPT"),
                   dict(table="nat", flush=True))

    def test_bad_arguments(self):
        self.agree(dict(jump="DROP"), dict(chain="INPUT", jump="DROP", log_prefix="x"), dict(chain="INPUT", policy="MAYBE"),
                   dict(chain="INPUT", jump="TEE"), dict(chain="INPUT", flush=True, policy="DROP"), dict(chain="INPUT", no_such_argument=1),
                   dict(chain="INPUT", set_dscp_mark="1", set_dscp_mark_class="CS1"))

    def test_a_bad_rule_fails_for_real(self):
        # A dry run of Ansible takes every rule that is not there for a change.
        self.agree(dict(chain="INPUT", protocol="no-such", jump="ACCEPT"), dict(chain="INPUT", source="nonsense/99", jump="DROP"), check=False)


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ("ours", "theirs"):
        inside(sys.argv[1])
    else:
        unittest.main()
