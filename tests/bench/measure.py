"""One run of a program: wall time, CPU and memory. What does not end in time is ended."""
import os
import pathlib
import re
import select
import signal
import time

LOOK_S = 0.02  # between two looks at the memory


class Usage:
    """wall_s; cpu_s with children that were waited for; peak_mib of the program itself; code; text; changed {host: count}."""

    def __init__(self, wall_s, cpu_s, peak_mib, code=0, text=""):
        self.wall_s, self.cpu_s, self.peak_mib, self.code, self.text = wall_s, cpu_s, peak_mib, code, text
        self.changed, self.unreachable = {}, set()
        self.hosts_cpu_s = None  # CPU on the hosts, where it was counted


def peak_mib(pid):
    """The most memory of a process so far, or None. Not rusage's: that counts what the parent had when it started the program."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def end_group(process):
    """Kills the session that a program was started in."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(start, limit_s, log):
    """@param start  begins the program, given options for Popen; it becomes a session of its own
    @param log  file for what it prints
    @return Usage
    @raise SystemExit  when it did not end within limit_s"""
    with open(log, "w") as out:
        begin = time.monotonic()
        process = start(stdout=out, stderr=out, start_new_session=True)
        peak = 0.0
        try:
            handle = os.pidfd_open(process.pid)
            try:
                while not select.select([handle], [], [], LOOK_S)[0]:
                    peak = peak_mib(process.pid) or peak
                    if time.monotonic() - begin > limit_s:
                        raise SystemExit(f"bench: not done after {limit_s} s: {' '.join(map(str, process.args))}")
            finally:
                os.close(handle)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                end_group(process)
                process.wait()
    text = pathlib.Path(log).read_text(errors="replace")
    return Usage(wall, usage.ru_utime + usage.ru_stime, peak, process.returncode, text)
