"""Ansible's dnf, which its yum hands over to, and ours, step by step in twin copies of this machine, with packages made on the spot.

Each side runs in an overlay of `/` as in system_test.py: the packages and their database are those of the overlay.
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import system_test  # noqa: E402

SPEC = """Name: {name}
Version: {version}
Release: 1
Summary: A package of the tests
License: none
BuildArch: noarch
{more}
%description
Nothing.
%install
mkdir -p %{{buildroot}}/opt/{name}
echo {version} > %{{buildroot}}/opt/{name}/version
%files
/opt/{name}
"""
# What the two repositories hold; the second one is off until a step asks for it.
REPOSITORIES = {
    "old": [("probe", "1.0", "Requires: probe-data"), ("probe-data", "1.0", ""), ("single", "1.0", ""), ("broken", "1.0", "Requires: no-such-thing"),
            ("twin-a", "1.0", ""), ("twin-b", "1.0", "")],
    "new": [("probe", "2.0", "Requires: probe-data"), ("single", "1.5", "")],
    # Checks signatures without naming a key.
    "keyless": [("unsigned", "1.0", ""), ("signless", "1.0", "")],
}
PACKAGES = sorted({name for packages in REPOSITORIES.values() for name, *_ in packages})
PROGRAMS = ("dnf", "rpm", "rpmbuild", "createrepo_c")


def make_repositories():
    folder = pathlib.Path("/srv/packages")
    for repository, packages in REPOSITORIES.items():
        for name, version, more in packages:
            spec = folder / f"{name}.spec"
            spec.parent.mkdir(parents=True, exist_ok=True)
            spec.write_text(SPEC.format(name=name, version=version, more=more))
            subprocess.run(["rpmbuild", "-bb", "--quiet", "--define", f"_rpmdir {folder / repository}", "--define", f"_topdir {folder}/build",
                            str(spec)], check=True, capture_output=True)
        subprocess.run(["createrepo_c", "--quiet", "--workers", "1", str(folder / repository)], check=True, capture_output=True)
    settings = pathlib.Path("/etc/yum.repos.d/tests.repo")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("".join(f"[{name}]\nname={name}\nbaseurl=file://{folder / name}\nenabled={int(name == 'old')}\ngpgcheck=1\n"
                                + ("\n" if name == "keyless" else "gpgkey=file:///srv/packages/no-key\n\n")
                                for name in REPOSITORIES))


def snapshot(root):
    """What is installed, as the files and the database say."""
    listed = {}
    for place in ("/", root):
        files = pathlib.Path(place, "opt")
        listed[place] = [sorted(f"{path}: {path.read_text().strip()}" for name in PACKAGES for path in files.glob(f"{name}/version")),
                         sorted(subprocess.run(["rpm", "-qa", "--root", place], capture_output=True, text=True).stdout.split())]
    return listed


def inside(side):
    """Runs in the overlay: every step in its modes, with a snapshot after each."""
    import oracle
    if side == "theirs":
        import dnf  # noqa: F401  once, not in each fork
    make_repositories()
    os.makedirs("/srv/root")
    ours = oracle.Ours()
    answers = []
    for step in json.load(sys.stdin):
        for mode in step["modes"]:
            if side == "ours":
                result = ours.run(step["module"], step["arguments"], check=mode == "check")
            else:
                # The action plugin of yum takes use_backend away before dnf sees it.
                arguments = {name: value for name, value in step["arguments"].items() if name != "use_backend"}
                result = oracle.run_theirs("dnf", arguments, check=mode == "check")
            answers.append({"result": result, "state": snapshot("/srv/root")})
    ours.close()
    print("\nANSWERS " + json.dumps(answers))


def run_side(side, steps):
    done = subprocess.run(["unshare", "--mount", "--uts", "--propagation", "private", "bash", "-c", system_test.ENTER, os.path.abspath(__file__), side],
                          input=json.dumps(steps), capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("ANSWERS "):
            return json.loads(line[len("ANSWERS "):])
    raise AssertionError("no answers from %s:\n%s\n%s" % (side, done.stdout[-3000:], done.stderr[-3000:]))


def step(module="dnf", modes=("check", "run", "again"), **arguments):
    return {"module": module, "modes": modes, "arguments": {"disable_gpg_check": True, **arguments}}


def once(**arguments):
    """Where a plan and a second run would tell nothing more."""
    return step(modes=("run",), **arguments)


@unittest.skipUnless(os.geteuid() == 0, "mounting an overlay needs root")
@unittest.skipUnless(all(map(shutil.which, PROGRAMS)), "needs " + ", ".join(PROGRAMS))
class Dnf(unittest.TestCase):
    maxDiff = None

    def test_dnf_and_yum(self):
        yum = {"module": "yum", "use_backend": "dnf"}
        root = {"installroot": "/srv/root", "releasever": "12"}
        keyless, checked = {"enablerepo": "keyless"}, {"disable_gpg_check": False}
        steps = [
            step(name="single"), step(name="probe"), once(name=["twin-a", "twin-b"], state="present"), once(name="twin-a,twin-b", state="installed"),
            once(name="probe", state="latest"), step(name="probe", state="latest", enablerepo="new"),
            once(name="*", state="latest", enablerepo="new"), once(name="single", state="removed"), once(name=["twin-*"], state="absent"),
            step(name="probe", state="absent", autoremove=True), once(name="never-there", state="absent"), once(name="no-such-package"),
            once(name="broken"), once(name="broken", skip_broken=True), once(name="/srv/packages/new/noarch/single-1.5-1.noarch.rpm"),
            step(modes=("check", "run"), name="probe", disable_gpg_check=False), once(name="probe", disablerepo="*"), once(update_cache=True),
            once(name="probe", state="upgraded"), once(name="probe", lists="all"), step(name="single", state="absent", **yum),
            once(name="single-1.0", **yum), step(name="single", state="latest", enablerepo="new", **yum), once(name="no-such-package", **yum),
            once(name="single", state="there", **yum), once(name="single", **root), once(name="single", state="absent", **root),
            step(name="unsigned", **keyless, **checked), once(name="unsigned", **keyless), step(name="unsigned", **keyless, **checked),
            step(name="unsigned-1.0", **keyless, **checked), step(name="unsigned", state="latest", **keyless, **checked),
            step(name="unsigned-*", state="latest", update_cache=True, **keyless, **checked),
            step(name="unsigned-1.0", update_cache=True, **keyless, **checked), step(name=["unsigned", "signless"], **keyless, **checked)]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            theirs, ours = pool.map(run_side, ("theirs", "ours"), (steps, steps))
        played = [(one, mode) for one in steps for mode in one["modes"]]
        self.assertEqual(len(played), len(theirs))
        for (one, mode), oracle, mine in zip(played, theirs, ours, strict=True):
            what = (mode, one, oracle, mine)
            self.assertEqual(bool(oracle["result"].get("failed")), bool(mine["result"].get("failed")), what)
            if not oracle["result"].get("failed"):
                self.assertEqual(bool(oracle["result"].get("changed")), bool(mine["result"].get("changed")), what)
            self.assertEqual(oracle["state"], mine["state"], what)


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ("ours", "theirs"):
        inside(sys.argv[1])
    else:
        unittest.main()
