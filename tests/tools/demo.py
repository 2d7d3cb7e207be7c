#!/usr/bin/python3
"""The demo: five aarch64 hosts on this machine, brought to the state that examples/edge-fleet declares.

  demo.py BIN [--keep STATE] [--expect FILE]    BIN is the folder with gpustack and its runners

With --expect the dry run and the second run are compared with FILE (examples/edge-fleet/expect.txt); GPUSTACK_ACCEPT=1 rewrites it.
Shows a dry run with diffs (and proves that it wrote nothing), the change, a second run that changes nothing, and a host that asks for what
it cannot have: it is refused, and left as it is.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import hosts  # noqa: E402
from demo_hosts import FLEET, REPOSITORY, DemoHosts  # noqa: E402
import stable_output  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SITE = SOURCE / "examples/edge-fleet"
EM_AARCH64 = 183
PT_INTERP = 3
RUNNER_LIMIT = 4_000_000


def heading(text):
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def write_connection_variables(fleet, key):
    """How the hosts are reached is this run's business, not the site's: a second inventory source adds it."""
    lines = ["[fleet]"]
    for name in FLEET:
        lines.append(f"{name} ansible_host={fleet.address(name)}")
    lines += ["[fleet:vars]", "ansible_user=deploy", f"ansible_ssh_private_key_file={fleet.state}/id_ed25519",
              f"ansible_ssh_common_args='-o UserKnownHostsFile={fleet.state}/known_hosts'",
              "gpu_load_module=false",  # the hosts share this machine's kernel
              f"gpu_repository_url=file:{REPOSITORY}/cuda", f"gpu_repository_key={key}",
              f"containers_toolkit_repository=file:{REPOSITORY}/toolkit", f"containers_toolkit_key={key}"]
    path = fleet.state / "connection.ini"
    path.write_text("\n".join(lines) + "\n")
    return path


class Demo:
    def __init__(self, binaries, fleet, key):
        self.gpustack = binaries / "gpustack"
        self.fleet = fleet
        self.connection = write_connection_variables(fleet, key)

    def apply(self, *options):
        """Runs gpustack apply, shows its output, and returns (exit code, output)."""
        shown = " ".join(["gpustack apply site.yml -i inventory", *options])
        print(f"$ {shown}", flush=True)
        command = [str(self.gpustack), "apply", "site.yml", "-i", "inventory", "-i", str(self.connection), *options]
        begin = time.monotonic()
        process = self.fleet.popen(*command, cwd=SITE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=dict(os.environ, HOME=str(self.fleet.state)))
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        code = process.wait()
        print(f"({time.monotonic() - begin:.1f} s, exit code {code})", flush=True)
        return code, "".join(lines)

    def place_runners(self):
        command = [str(self.gpustack), "run", "all", "-i", str(self.connection), "-b", "-m", "ping"]
        self.fleet.exec(*command, cwd=SITE, env=dict(os.environ, HOME=str(self.fleet.state)), check=True, stdout=subprocess.DEVNULL)

    def entries(self):
        with concurrent.futures.ProcessPoolExecutor() as pool:
            return dict(zip(FLEET, pool.map(self.fleet.entries, FLEET)))

    def runner_of(self, name):
        """(size in bytes, is an aarch64 program, needs no loader) of the runner that was placed in a host."""
        found = sorted((self.fleet.state / name / "merged").glob("home/deploy/.cache/gpustack/*/runner"))
        content = found[0].read_bytes() if found else bytes(64)
        machine, headers, size, count = (struct.unpack_from("<H", content, 18)[0], struct.unpack_from("<Q", content, 32)[0],
                                         *struct.unpack_from("<HH", content, 54))
        kinds = {struct.unpack_from("<I", content, headers + size * number)[0] for number in range(count)}
        return len(content), machine == EM_AARCH64, bool(kinds) and PT_INTERP not in kinds


def recap(output):
    """{host: {word: count}} of the PLAY RECAP lines."""
    result = {}
    for host, rest in re.findall(r"^(\S+)\s+: (ok=.*)$", output, re.MULTILINE):
        result[host] = {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", rest)}
    return result


def check(claim, holds):
    print(f"{'yes' if holds else 'NO '}  {claim}", flush=True)
    return bool(holds)


def as_expected(path, outputs, fleet):
    """Compares {heading: output} with a file, in the form that runs share."""
    replacements = [(fleet.state, "{state}"), (fleet.state.parent, "{work}"), (SOURCE, "{source}")]
    found = "\n".join(f"== {name}\n{stable_output.stable(text, replacements)}" for name, text in outputs.items())
    if os.environ.get("GPUSTACK_ACCEPT"):
        path.write_text(found)
        print(f"{path} rewritten")
        return True
    difference = stable_output.difference(path.read_text(), found)
    print(difference, end="")
    return check(f"the dry run, the second run and the refusal say what {path.name} says", not difference)


def option(arguments, name):
    return pathlib.Path(arguments[arguments.index(name) + 1]).resolve() if name in arguments else None


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    reason = hosts.why_not(("arm64",))
    if reason is not None:
        sys.exit(f"The demo starts five hosts on this machine and {reason}.\n"
                 "Run it as root on a Linux machine (not inside a container without CAP_SYS_ADMIN), after './dev setup'.")
    keep, expect = option(arguments, "--keep"), option(arguments, "--expect")
    outputs = {}
    state = keep or pathlib.Path(tempfile.mkdtemp(prefix="gpustack-demo-")) / "fleet"
    begin = time.monotonic()
    heading("Five aarch64 hosts: Jetson AGX Orin, GH200, DGX Spark, ROCK 5B, Raspberry Pi 5")
    demo_hosts = DemoHosts(state, pathlib.Path(arguments[0]).resolve())
    fleet = demo_hosts.up()
    good = True
    try:
        demo = Demo(demo_hosts.binaries, fleet, demo_hosts.key)
        says = {}
        for name in FLEET:
            answer = fleet.exec_in(name, "/bin/sh", "-c", "uname -m; command -v python3 || echo no python", capture_output=True, text=True)
            says[name] = ", ".join(answer.stdout.splitlines())
            print(f"{name:8} {fleet.address(name):12} {says[name]}")
        # The runner is placed once per host; the dry run below then finds it and has nothing to write at all. In hosts that
        # were prepared it is a new file all the same, whose hash it notes when it is first started.
        demo.place_runners()
        if demo_hosts.was_prepared:
            print("They are as the first demo had prepared them, and their package tools repeat what they did then.\n"
                  f"(./dev demo after 'rm -r {demo_hosts.prepared.parent}/{{demo,package}}-*' starts from nothing.)")
        else:
            demo_hosts.keep(fleet)
        runners = [demo.runner_of(name) for name in FLEET]
        good &= check(f"the runner is a static aarch64 program of {runners[0][0]} bytes, at most {RUNNER_LIMIT}, and no host has a python",
                      all(size <= RUNNER_LIMIT and is_aarch64 and is_static for size, is_aarch64, is_static in runners)
                      and all("no python" in line for line in says.values()))
        before = demo.entries()
        heading("A dry run: what would change, and nothing is written")
        code, output = demo.apply("--check", "--diff")
        outputs["dry run"] = output
        good &= check("the dry run ends with 0", code == 0)
        after = demo.entries()
        good &= check("every file of the five hosts is as it was", after == before)
        for name in FLEET:
            for path in sorted(set(before[name]) | set(after[name])):
                if before[name].get(path) != after[name].get(path):
                    print(f"     {name}: /{path}: {before[name].get(path)} -> {after[name].get(path)}")
        heading("The change")
        code, output = demo.apply()
        good &= check("the run ends with 0", code == 0)
        changed = recap(output)
        good &= check("every host changed", len(changed) == len(FLEET) and all(row["changed"] > 0 for row in changed.values()))
        heading("The same again: nothing to do")
        code, output = demo.apply()
        outputs["second run"] = output
        again = recap(output)
        good &= check("the second run ends with 0", code == 0)
        good &= check("changed=0 on every host", len(again) == len(FLEET) and all(row["changed"] == 0 for row in again.values()))
        left = {name: fleet.exec_in(name, "/usr/bin/find", "/root/.cache/gpustack", "/home/deploy/.cache/gpustack", "-name", "tmp-*",
                                    capture_output=True, text=True).stdout for name in FLEET}
        good &= check("no temporary file is left on any host", not any(left.values()))
        packages_left = fleet.exec_in("orin-01", "/bin/sh", "-c", "dpkg -l | grep -E ' (nvidia-(driver|dkms|open|kernel)|linux-)' || true",
                                      capture_output=True, text=True).stdout
        good &= check("no driver and no kernel package came to the Jetson", not packages_left)
        heading("A Raspberry Pi asks for a partitioned GPU: refused before anything is changed")
        (fleet.state / "wish.json").write_text('{"containers_gpu_slicing": {"strategy": "mig"}}')
        before = fleet.entries("rpi-01")
        code, output = demo.apply("--limit", "rpi-01", "-e", f"@{fleet.state}/wish.json")
        outputs["refusal"] = output
        good &= check("it ends with 2, and says why and what to do", code == 2 and "ERR-SLICING mig" in output and "Allowed: none, passthrough" in output)
        good &= check("the host is as it was", fleet.entries("rpi-01") == before)
        if expect is not None:
            good &= as_expected(expect, outputs, fleet)
    finally:
        if keep is None:
            fleet.down()
            shutil.rmtree(state.parent, ignore_errors=True)
        else:
            print(f"The hosts go on running; stop them with: tests/tools/hosts.py down {state}")
    print(f"\ndemo: {'all is well' if good else 'FAILED'} after {time.monotonic() - begin:.0f} s", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
