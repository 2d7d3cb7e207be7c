#!/usr/bin/python3
"""The controller's own cost: a site of 1,000 tasks for 500 hosts over connections that answer at once.

  scale.py BUILD [--tasks N] [--hosts N]

BUILD is a build folder with bin/scale_bench. Half of the tasks have arguments with templates, a third are left out by a
condition. Prints the CPU seconds of load and run, the most memory, and what one false condition costs for one host: the time
of a site of such tasks alone, divided by tasks and hosts.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import amounts


def task(number, kind):
    lines = [f"    - name: Task {number}"]
    if kind == "template":
        lines += ["      ansible.builtin.file:", f"        path: \"/srv/{{{{ place }}}}/{number}/{{{{ inventory_hostname }}}}\"",
                  "        mode: \"{{ '0644' if is_open else '0600' }}\"", "        state: touch"]
    else:
        lines += ["      ansible.builtin.file:", f"        path: /srv/{number}", "        state: touch"]
    if kind == "false":
        lines += ["      when: place == 'nowhere'"]
    elif number % 5 == 0:
        lines += ["      when: is_open and place in ['here', 'there']"]
    return "\n".join(lines) + "\n"


def write_site(path, tasks, kinds):
    head = "- hosts: all\n  gather_facts: false\n  vars:\n    place: here\n    is_open: true\n  tasks:\n"
    path.write_text(head + "".join(task(number, kinds[number % len(kinds)]) for number in range(tasks)))


def measure(build, folder, tasks, hosts, kinds):
    site = folder / "site.yml"
    write_site(site, tasks, kinds)
    done = subprocess.run([str(pathlib.Path(build) / "bin/scale_bench"), str(site), str(hosts)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"scale: {done.stderr}{done.stdout}")
    found = json.loads(done.stdout)
    if found["results"] != tasks * hosts:
        sys.exit(f"scale: {found['results']} results for {tasks} tasks on {hosts} hosts")
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build")
    options.add_argument("--tasks", type=amounts.count, default=1000)
    options.add_argument("--hosts", type=amounts.count, default=500)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="gpustack-scale-") as name:
        folder = pathlib.Path(name)
        mixed = measure(given.build, folder, given.tasks, given.hosts, ["template", "plain", "false", "template", "plain", "false"])
        left_out = measure(given.build, folder, given.tasks, given.hosts, ["false"])
    print(f"{given.tasks} tasks for {given.hosts} hosts, connections that answer at once:")
    print(f"  load {mixed['load_seconds']:.2f} s, run {mixed['run_seconds']:.2f} s of CPU, {mixed['memory_mib']:.0f} MiB at most")
    each = left_out["run_seconds"] / (given.tasks * given.hosts) * 1e6
    print(f"  a false condition: {each:.1f} µs for each host")


if __name__ == "__main__":
    main()
