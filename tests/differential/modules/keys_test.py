"""Ansible's modules for keys and ours, step by step in twin copies of this machine (see system_test.py)."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import system_test  # noqa: E402
from system_test import step  # noqa: E402

RESULT = ("id", "short_id", "fp", "key_id", "before", "after")

# This machine has no rpm: both sides get one that keeps keys as files.
RPM = """#!/bin/sh
keys=/srv/rpm-keys
mkdir -p $keys
case "$1" in
  -q) [ -n "$(ls $keys)" ] || { echo "package gpg-pubkey is not installed"; exit 1; }
      if [ "$3" = --qf ]; then cat $keys/*; else ls $keys; fi;;
  --import) id=$(gpg --with-colons "$2" 2>/dev/null | sed -n "s/^pub:[^:]*:[^:]*:[^:]*:.\\{8\\}\\([^:]*\\):.*/\\1/p" | tr A-F a-f)
      cp "$2" $keys/gpg-pubkey-$id;;
  --erase) rm "$keys/$3";;
esac
"""


def make_keys():
    """Armored public keys with their fingerprints: a plain one, one with a subkey, an expired one."""
    with tempfile.TemporaryDirectory(prefix="gpustack-keys-") as home:
        def gpg(*words):
            return subprocess.run(["gpg", "--homedir", home, "-q", "--batch", "--passphrase", "", *words], check=True, capture_output=True,
                                  text=True).stdout

        def fingerprint(name):
            return next(line.split(":")[9] for line in gpg("--with-colons", "--list-keys", name).splitlines() if line.startswith("fpr"))

        gpg("--quick-gen-key", "plain", "ed25519", "sign", "never")
        gpg("--quick-gen-key", "double", "ed25519", "sign", "never")
        gpg("--quick-add-key", fingerprint("double"), "cv25519", "encr", "never")
        gpg("--faked-system-time", "20200101T000000!", "--quick-gen-key", "old", "ed25519", "sign", "1y")
        keys = {name: (gpg("--armor", "--export", name), fingerprint(name)) for name in ("plain", "double", "old")}
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
        return keys


# apt-key starts gpg for each keyring in armor: one of this machine's is enough.
FEW_KEYRINGS = system_test.shell("cd /etc/apt/trusted.gpg.d; rm -f $(ls | sed 1d); touch /srv/few", keys=(), creates="/srv/few")


@unittest.skipUnless(os.geteuid() == 0, "mounting an overlay needs root")
class Keys(unittest.TestCase):
    maxDiff = None
    agree, assert_same = system_test.SystemModules.agree, system_test.SystemModules.assert_same

    @classmethod
    def setUpClass(cls):
        cls.keys = make_keys()

    def test_apt_key(self):
        plain, name = self.keys["plain"]
        double, other = self.keys["double"]
        ring = "/etc/apt/trusted.gpg.d/x.gpg"
        self.agree(
            FEW_KEYRINGS, step("apt_key", RESULT, data=plain), step("apt_key", RESULT, id=name[-16:]), step("apt_key", RESULT, id="0x" + name[-8:].lower()),
            step("apt_key", RESULT, id=name, state="absent"), step("apt_key", RESULT, id=name[-8:], state="absent"),
            system_test.shell(f"printf '%s' '{double}' > /srv/double.asc", creates="/srv/double.asc"),
            # Ansible's dry run would make the keyring.
            system_test.shell(f"touch {ring}", creates=ring), step("apt_key", RESULT, file="/srv/double.asc", keyring=ring), step("apt_key", RESULT, data=plain, id=name, keyring=ring),
            step("apt_key", RESULT, id=other[-16:], state="absent", keyring=ring), step("apt_key", RESULT, id=name[-8:], keyring=ring))

    def test_apt_key_faults(self):
        self.agree(
            FEW_KEYRINGS, step("apt_key", ("msg",), messages=True, keyserver="localhost"), step("apt_key", id="no hex", state="absent"),
            step("apt_key", id="1234", state="absent"), step("apt_key", data="no key"), step("apt_key", file="/etc/passwd"),
            step("apt_key", file="/no/such"), step("apt_key", state="absent"))

    def test_apt_key_that_has_expired(self):
        # Foreseen as a change by both; then apt does not trust it.
        self.agree(FEW_KEYRINGS, step("apt_key", ("msg",), messages=True, data=self.keys["old"][0]))

    def test_rpm_key(self):
        plain, name = self.keys["plain"]
        double, other = self.keys["double"]
        spaced = " ".join(name[i:i + 4] for i in range(0, 40, 4)).lower()
        self.agree(
            system_test.shell(f"printf '%s' '{plain}' > /srv/plain.asc; printf '%s' '{double}' > /srv/double.asc; mkdir -p /srv/rpm-keys\n"
                              f"cat > /usr/bin/rpm <<'END'\n{RPM}END\nchmod 755 /usr/bin/rpm", keys=(), creates="/usr/bin/rpm"),
            step("rpm_key", key="/srv/plain.asc", fingerprint=spaced), step("rpm_key", ("msg",), messages=True, key="/srv/double.asc", fingerprint=spaced),
            step("rpm_key", key="/srv/double.asc"), step("rpm_key", key="0x" + name[-8:].lower()), step("rpm_key", key=name[-16:]),
            step("rpm_key", key=name[-8:], state="absent"), step("rpm_key", ("msg",), messages=True, key=name[-8:]),
            step("rpm_key", key="/srv/double.asc", state="absent"), step("rpm_key", ("msg",), messages=True, key="/no/such"),
            step("rpm_key", key="/etc/passwd"))


if __name__ == "__main__":
    unittest.main()
