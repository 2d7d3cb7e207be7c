"""What no engine can be faster than: one ssh connection to each host, and one command in it that makes the same files."""
import os
import subprocess

import end_state
import measure

NAME = "ssh"


def each(way, forks, limit_s, log, command, standard_input="/dev/null"):
    """Runs `command` on every host, `forks` at a time. @param standard_input  file, {} stands for the host's name"""
    ssh = f"ssh -F {way.ssh_config} -o KexAlgorithms=curve25519-sha256"
    if standard_input == "/dev/null":
        words = ["xargs", "-P", str(forks), "-I{}", *ssh.split(), "{}", command]
    else:
        words = ["xargs", "-P", str(forks), "-I{}", "sh", "-c", f"{ssh} {{}} '{command}' < {standard_input}"]
    names = way.fleet.state / "names"
    names.write_text("".join(f"{host}\n" for host in way.addresses))
    with open(names) as given:
        used = measure.run(lambda **options: way.fleet.popen(*words, stdin=given, **options), limit_s, log)
    if used.code != 0:
        raise SystemExit(f"bench: ssh to all hosts ended with {used.code}:\n{used.text[-2000:]}")
    used.peak_mib = None  # xargs' own says nothing
    return used


def connections(way, forks, limit_s, log):
    return each(way, forks, limit_s, log, "true")


def processes(way, count, forks, limit_s, log):
    """One command on each host starts a program that is not the shell's own, `count` times, and does nothing else."""
    return each(way, forks, limit_s, log, f"i=0; while [ $i -lt {count} ]; do /usr/bin/test -d / || exit 1; i=$((i+1)); done")


def pack(fleet, before, folder):
    """What a run made on each host, as archives HOST.tar. @param before  {host: end_state.written() before the run}"""
    folder.mkdir()
    for host in fleet.names:
        paths = sorted(path for path in end_state.changed(fleet, host, before[host])
                       if os.path.lexists(fleet.state / host / "merged" / path))
        subprocess.run(["tar", "-C", str(fleet.state / host / "merged"), "--numeric-owner", "--no-recursion", "-cf", str(folder / f"{host}.tar"),
                        "-T", "-"], input="\n".join(paths), text=True, check=True)
    return folder


def writes(way, archives, forks, limit_s, log):
    """One command on each host makes the files of its archive."""
    return each(way, forks, limit_s, log, "tar -xpf - -C /", f"{archives}/{{}}.tar")
