"""core/vault against ansible-vault, in both directions."""

import os
import pathlib
import subprocess
import tempfile
import unittest

DRIVER = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "vault_driver"
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
    done = subprocess.run(["ansible-vault", action, *identity, "--output", "-", str(source)], capture_output=True,
                          timeout=120, env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"), "HOME": str(folder)})
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


if __name__ == "__main__":
    unittest.main()
