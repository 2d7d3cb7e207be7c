"""Ansible's yum_repository and ours on twin folders."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from oracle import DifferentialCase, run_theirs  # noqa: E402

R = "{root}/"
OTHERS = "# comment\n[b]\nName: B\nbaseurl = x\n  y\n\n; inside\n  z\nempty =\n\n[cuda]\nname=old\nenabled=1\n[a b] x\nk=a=b:c\n"


class YumRepository(DifferentialCase):
    def agree(self, files=None, runs=2, **arguments):
        arguments.setdefault("name", "cuda")
        arguments.setdefault("reposdir", R + "d")
        self.compare("yum_repository", arguments, {"d": {"folder": 0o755}, **(files or {})}, keys=("repo", "state"), runs=runs)

    def test_every_option(self):
        self.agree(description="CUDA repository", baseurl=["https://a/$releasever", "https://b"], gpgkey="https://k1,https://k2", enabled=False,
                   gpgcheck=True, exclude=["a*", "b"], includepkgs="c,d", cost="500", priority="10", keepcache="0", ip_resolve="IPv4",
                   failovermethod="priority", http_caching="packages", metadata_expire_filter="read-only:past", sslverify=True, client_key="/k",
                   ca_cert="/c", client_cert="/e", proxy="_none_", proxy_username="u", proxy_password="p", username="n", password="w",
                   module_hotfixes=True, protect=False, repo_gpgcheck=False, retries="3", s3_enabled=False, skip_if_unavailable=True,
                   ssl_check_cert_permissions=False, throttle="10k", timeout="5", ui_repoid_vars="releasever", keepalive=True, include="/i",
                   gpgcakey="https://g", enablegroups=True, deltarpm_percentage="1", deltarpm_metadata_percentage="2", bandwidth="3",
                   metadata_expire="4", metalink="https://m", mirrorlist="https://l", mirrorlist_expire="6", **{"async": True})

    def test_neighbours(self):
        files = {"d/cuda.repo": {"text": OTHERS, "mode": 0o600}}
        for row in ({"description": "x", "mirrorlist": "https://m"}, {"state": "absent"}, {"name": "b", "file": "cuda", "state": "absent"},
                    {"name": "new", "file": "cuda", "description": "x", "metalink": "m"}, {"name": "none", "file": "cuda", "state": "absent"},
                    {"name": "cuda", "description": "old", "baseurl": "x", "mode": "0644"}):
            with self.subTest(arguments=row):
                self.agree(files, **row)

    def test_defaults(self):
        files = {"d/cuda.repo": "[DEFAULT]\nd = 1\n[cuda]\nname = x\n[b]\nd=2\n"}
        self.agree(files, state="absent")
        self.agree(files, description="x", baseurl="y")

    def test_the_last_one(self):
        self.agree({"d/cuda.repo": "[cuda]\nname=x\n"}, state="absent")
        self.agree(state="absent")
        self.agree({"d/cuda.repo": ""}, state="absent")

    def test_faults(self):
        self.agree(runs=1, description="x")
        self.agree(runs=1, baseurl="x")
        self.agree(runs=1, reposdir=R + "none", description="x", baseurl="y")
        self.agree(runs=1, description="x", baseurl="y", params={"a": 1})
        self.agree(runs=1, description="x", baseurl="y", keepcache="2")
        for text in ("x\n", "[a]\nx\n", "[a]\n[a]\n", "[a]\nx=1\nX=2\n", "[a]\n=1\n"):
            with self.subTest(text=text):
                self.agree({"d/cuda.repo": text}, runs=1, description="x", baseurl="y")

    def test_diff(self):
        mine, theirs = self.twins({"d/cuda.repo": OTHERS})
        arguments = {"name": "cuda", "description": "new", "baseurl": "https://x"}
        ours = self.ours.run("yum_repository", {**arguments, "reposdir": str(mine / "d")}, check=True, diff=True)["diff"]
        oracle = run_theirs("yum_repository", {**arguments, "reposdir": str(theirs / "d")}, check=True, diff=True)["diff"]
        self.assertEqual((oracle["before"], oracle["after"]), (ours["before"], ours["after"]))


if __name__ == "__main__":
    unittest.main()
