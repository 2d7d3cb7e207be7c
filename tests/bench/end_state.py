"""What a run wrote on a test host, and where two hosts differ."""
import hashlib
import os
import re
import stat
import time

# Where the engines keep their own things; nothing a play asks for lives there. Gathering facts, Ansible asks rpm, which makes .rpmdb.
OWN = re.compile(r"(root|home/deploy)/\.(cache|ansible|rpmdb)(/|$)|var/log(/|$)|run(/|$)|(.*/)?__pycache__(/|$)")


SHADOW = re.compile(r"(^|/)etc/shadow-?$")
PASSWORD_SET = re.compile(rb"(?m)^([^:\n]*:[^:\n]*):(\d+):")


def read(path):
    """The content. A run may go on over midnight: in /etc/shadow, today and the day before it are one day."""
    with open(path, "rb") as file:
        content = file.read()
    if not SHADOW.search(os.fspath(path)):
        return content
    today = int(time.time() // 86400)
    return PASSWORD_SET.sub(lambda found: found[1] + b":today:" if today - int(found[2]) in (0, 1) else found[0], content)


def describe(path):
    """Kind, mode, owner and content of one path, as text; `absent` when it is not there."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return "absent"
    kind = stat.S_IFMT(info.st_mode)
    if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
        return "absent"  # an overlay's mark for a deleted file
    content = ""
    if stat.S_ISLNK(info.st_mode):
        content = f" to {os.readlink(path)}"
    elif stat.S_ISREG(info.st_mode):
        content = f" sha256 {hashlib.sha256(read(path)).hexdigest()}"
    names = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return f"{names.get(kind, oct(kind))} mode {stat.S_IMODE(info.st_mode):04o} owner {info.st_uid}:{info.st_gid}{content}"


def written(fleet, name):
    """{path: description} of all that a native host has beyond this machine's root."""
    upper = fleet.state / name / "rw/upper"
    found = {}
    for folder, folders, files in os.walk(upper):
        for entry in folders + files:
            path = os.path.relpath(os.path.join(folder, entry), upper)
            if not OWN.match(path):
                found[path] = describe(os.path.join(folder, entry))
    return found


def changed(fleet, name, before):
    after = written(fleet, name)
    return {path for path in after.keys() | before.keys() if after.get(path) != before.get(path)}


def difference(one, other, names):
    """@param one, other  (engine's name, fleet, {host: written() before the run})
    @return the first path that differs, in words, or None"""
    (name_a, fleet_a, before_a), (name_b, fleet_b, before_b) = one, other
    total = 0
    for host in names:
        paths = changed(fleet_a, host, before_a[host]) | changed(fleet_b, host, before_b[host])
        total += len(paths)
        for path in sorted(paths):
            a, b = (describe(fleet.state / host / "merged" / path) for fleet in (fleet_a, fleet_b))
            if a != b:
                return f"{host}: /{path}: {name_a} left '{a}', {name_b} left '{b}'"
    return None if total else "no host has any written path: the comparison would prove nothing"


class Reference:
    """The state in which the first of several runs left its hosts; no ratio is said of runs that left another."""

    def __init__(self):
        self.first = None
        self.compared = 0

    def check(self, name, fleet, before):
        """@param before  {host: written() before the run}
        @return whether these hosts became the reference, which has to stay up
        @raise SystemExit  when they differ from the reference"""
        if self.first is None:
            self.first = (name, fleet, before)
            return True
        found = difference(self.first, (name, fleet, before), list(before))
        if found:
            raise SystemExit(f"bench: no ratio, the end states differ: {found}")
        self.compared += 1
        return False
