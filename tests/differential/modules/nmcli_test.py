"""community.general.nmcli against ours, with an nmcli that keeps connections in a file: the same profiles, the same `changed`."""

import json
import os
import pathlib
import shutil
import stat
import tempfile
import unittest

import oracle

MODULE = "community.general.nmcli"
# Shows what it was told as NetworkManager does: lists with blanks, routes in braces, options of bonds in one setting.
NMCLI = '''#!/usr/bin/python3 -IS
import json, os, sys
store = os.environ["NMCLI_STORE"]
all = json.load(open(store)) if os.path.exists(store) else {}
words = [word for word in sys.argv[1:] if not word.startswith("--")]
def shown(key, value):
    if key == "802-3-ethernet.mtu": return "auto" if value == "0" else value
    if key.endswith(".routes"): return "; ".join("{ ip = %s }" % ", nh = ".join(one.split(" ")) for one in value.split(","))
    if key == "ipv6.ip6-privacy": return {"disabled": "0", "prefer-temp-addr": "2 (enabled, prefer temporary IP)"}[value]
    return ", ".join(value.split(",")) if value else "--"
if words[0] == "name":
    print("\\n".join(all))
elif words[:2] == ["con", "show"]:
    profile = all[words[2]]
    print("connection.id:    " + words[2])
    if profile["connection.type"] in ("ethernet", "vlan", "team-slave"): profile = {"802-3-ethernet.mtu": "0", **profile}
    print("bond.options:    " + ",".join(k + "=" + v for k, v in profile.items() if "." not in k))
    for key, value in profile.items():
        if "." in key: print(key + ":    " + shown(key, value))
elif words[1] in ("add", "modify"):
    name = words[5] if words[1] == "add" else words[2]
    rest = words[6:] if words[1] == "add" else words[3:]
    if words[1] == "add": all[name] = {"connection.type": words[3]}
    for key, value in zip(rest[::2], rest[1::2]):
        if key == "+bond.options": key, value = value.split("=", 1)
        all[name][key] = value
elif words[1] == "del":
    del all[words[2]]
elif words[1] == "edit" and words[2] == "type":
    for name in ("hidden", "ssid", "powersave"): print("802-11-wireless." + name + ":   --")
    for name in ("key-mgmt", "psk"): print("802-11-wireless-security." + name + ":   --")
elif words[1] == "edit":
    for line in sys.stdin.read().splitlines():
        if line.startswith("set "):
            _, key, value = line.split(" ", 2)
            all[words[2]][key] = value
elif words[1] in ("up", "down"):
    all[words[2]]["up.down"] = words[1]
with open(store, "w") as file: json.dump(all, file)
'''


class Nmcli(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-nmcli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        program = self.folder / "nmcli"
        program.write_text(NMCLI)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.saved = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(self.saved)))
        os.environ["PATH"] = f"{self.folder}:{os.environ['PATH']}"

    def agree(self, *steps):
        """Steps of one connection, each in check mode and twice for real."""
        sides = {}
        for side in ("ours", "theirs"):
            store = self.folder / (side + ".json")
            store.unlink(missing_ok=True)
            os.environ["NMCLI_STORE"] = str(store)
            sides[side] = told = []
            ours = oracle.Ours()
            for step in steps:
                for check in (True, False, False):
                    arguments = dict({"conn_name": "c", "state": "present"}, **step)
                    answer = ours.run("nmcli", arguments, check=check) if side == "ours" else oracle.run_theirs(MODULE, arguments, check=check)
                    told.append((step, check, bool(answer.get("failed")), None if answer.get("failed") else answer["changed"],
                                 json.loads(store.read_text()) if store.exists() else {}))
            ours.close()
        for theirs, ours in zip(sides["theirs"], sides["ours"]):
            # Ansible's finds some faults only when it is to make the connection.
            if theirs[1] and ours[2]:
                continue
            self.assertEqual(json.dumps(theirs, sort_keys=True).lower(), json.dumps(ours, sort_keys=True).lower())

    def test_ethernet(self):
        self.agree({"type": "ethernet", "ifname": "eth1", "ip4": ["10.0.0.7/24", "10.0.0.8"], "gw4": "10.0.0.1", "dns4": ["1.1.1.1", "8.8.8.8"], "dns4_search": ["a.b"]},
                   {"type": "ethernet", "ifname": "eth1", "ip4": ["10.0.0.8", "10.0.0.7/24"], "dns4": ["8.8.8.8", "1.1.1.1"]},
                   {"type": "ethernet", "ifname": "eth1", "method4": "auto", "autoconnect": False, "mtu": 9000},
                   {"type": "ethernet", "ifname": "eth1", "method4": "auto"},
                   {"ip4": ["10.9.9.9/8"]},
                   {"state": "absent"})

    def test_ipv6_and_routes(self):
        self.agree({"type": "ethernet", "ip6": ["fd00::1"], "gw6": "fd00::ff", "dns6": ["fd00::53"], "ip_privacy6": "prefer-temp-addr", "addr_gen_mode6": "eui64"},
                   {"type": "ethernet", "routes4": ["10.1.0.0/16 10.0.0.1", "10.2.0.0/16 10.0.0.2"], "never_default4": True},
                   {"type": "ethernet", "routes4_extended": [{"ip": "10.2.0.0/16", "next_hop": "10.0.0.2"}, {"ip": "10.1.0.0/16", "next_hop": "10.0.0.1"}]},
                   {"type": "ethernet", "routes4_extended": [{"ip": "10.3.0.0/16", "next_hop": "10.0.0.2", "metric": 5, "table": 7, "onlink": True}]},
                   {"type": "ethernet", "route_metric4": 100, "routing_rules4": ["priority 5 from 10.0.0.0/8 table 5000"], "may_fail4": False, "zone": "home"})

    def test_bond(self):
        self.agree({"type": "bond", "mode": "802.3ad", "miimon": 100, "xmit_hash_policy": "layer3+4", "method4": "disabled"},
                   {"type": "bond", "mode": "active-backup", "miimon": 100, "primary": "eth0"})
        self.agree({"type": "bond-slave", "ifname": "eth0", "master": "bond0"}, {"type": "bond-slave", "ifname": "eth1", "master": "bond0"})

    def test_bridge(self):
        self.agree({"type": "bridge", "ifname": "br0", "mac": "52:54:00:ab:cd:ef", "priority": 4096, "hellotime": 3}, {"type": "bridge", "ifname": "br0", "stp": False})
        self.agree({"type": "bridge-slave", "ifname": "eth0", "master": "br0", "hairpin": False, "path_cost": 10}, {"type": "bridge-slave", "ifname": "eth0", "master": "br0"})

    def test_others(self):
        self.agree({"type": "vlan", "vlanid": 7, "vlandev": "eth0", "ifname": "eth0.7", "mtu": 1400}, {"type": "vlan", "vlanid": 8, "vlandev": "eth0", "mtu": 1400})
        self.agree({"type": "vxlan", "vxlan_id": 16, "vxlan_local": "10.0.0.1", "vxlan_remote": "10.0.0.2"})
        self.agree({"type": "gre", "ip_tunnel_dev": "eth0", "ip_tunnel_local": "10.0.0.1", "ip_tunnel_remote": "10.0.0.2", "ip_tunnel_input_key": "1"})
        self.agree({"type": "dummy", "ip4": ["10.0.0.1/8"]}, {"type": "dummy"})
        self.agree({"type": "team", "runner": "lacp", "runner_fast_rate": True}, {"type": "team", "runner": "broadcast"})
        self.agree({"type": "team-slave", "ifname": "eth0", "master": "team0"})
        self.agree({"type": "infiniband", "transport_mode": "connected"}, {"type": "generic", "ifname": "x"})
        self.agree({"type": "macvlan", "macvlan": {"mode": 2, "parent": "eth0"}})
        self.agree({"type": "vpn", "vpn": {"service-type": "l2tp", "gateway": "vpn.example", "permissions": "me"}})
        self.agree({"type": "gsm", "gsm": {"apn": "web", "username": "u"}})

    def test_wifi(self):
        self.agree({"type": "wifi", "ifname": "wlan0", "ssid": "Office", "wifi": {"hidden": True}, "wifi_sec": {"key-mgmt": "wpa-psk", "psk": "correct horse"}},
                   {"type": "wifi", "ifname": "wlan0", "ssid": "Office", "wifi_sec": {"key-mgmt": "wpa-psk", "psk": "battery"}},
                   {"type": "wifi", "ifname": "wlan0", "ssid": "Office", "wifi": {"unknown": "x"}},
                   {"type": "wifi", "ifname": "wlan0", "ssid": "Office", "wifi": {"unknown": "x", "powersave": 2}, "ignore_unsupported_suboptions": True})

    def test_bad_arguments(self):
        for step in ({"type": "wifi"}, {"type": "macvlan"}, {"type": "team", "runner_fast_rate": True}, {"type": "team", "runner_hwaddr_policy": "same_all"},
                     {"type": "team-slave", "ifname": "eth0"}, {"type": "ethernet", "gw4": "10.0.0.1", "never_default4": True}, {"type": "token"},
                     {"type": "ethernet", "routes4": ["x"], "routes4_extended": [{"ip": "y"}]}, {"type": "ethernet", "method4": "no"}, {"state": "absent"}):
            self.agree(step)


if __name__ == "__main__":
    unittest.main()
