#!/usr/bin/python3
"""Checks who includes whom against core/cmake/layers.txt.

A library includes its own folder and libraries of a lower level; modules/sdk, builtin and runner include each other in
that order; a third-party header is included only by the library that is its door. `./dev lint` runs it, ctest as `layers`.
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def layers():
    """folder -> (level, position, doors)"""
    out = {}
    for line in (ROOT / "core/cmake/layers.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            out[words[1]] = (int(words[0]), len(out), words[2:])
    return out


def library_of(path, known):
    matches = [folder for folder in known if path == folder or path.startswith(folder + "/")]
    return max(matches, key=len, default=None)


def may_include(user, used, known):
    if user == used:
        return True
    # modules/sdk, modules/builtin and modules/runner share a level and stand in their order.
    if known[user][0] == known[used][0]:
        return user.startswith("modules/") and used.startswith("modules/") and known[used][1] < known[user][1] or (
            used == "modules/sdk")
    return known[used][0] < known[user][0]


def sources():
    listed = subprocess.run(["git", "ls-files", "core", "inventory", "modules"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if name.endswith((".cpp", ".hpp"))]


def problems():
    known = layers()
    doors = {}
    for folder, (_, _, prefixes) in known.items():
        for prefix in prefixes:
            doors.setdefault(prefix, []).append(folder)
    found = []
    for name in sources():
        user = library_of(name, known)
        if user is None:
            found.append(f"{name}: its folder is not in core/cmake/layers.txt")
            continue
        for included in INCLUDE.findall((ROOT / name).read_text(encoding="utf-8")):
            used = library_of(included, known)
            if used is not None and not may_include(user, used, known):
                found.append(f"{name}: {user} (level {known[user][0]}) may not include {included} ({used}, level {known[used][0]})")
            for prefix, owners in doors.items():
                if included.startswith(prefix) and user not in owners:
                    found.append(f"{name}: {included} may be included by {' and '.join(owners)} only")
    return found


class Layers(unittest.TestCase):
    def test_every_include_points_downwards(self):
        self.assertEqual(problems(), [])

    def test_every_folder_in_the_table_is_named_once(self):
        lines = [line.split() for line in (ROOT / "core/cmake/layers.txt").read_text().splitlines() if line and not line.startswith("#")]
        names = [words[1] for words in lines]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    found = problems()
    print("\n".join(found) if found else "layers: every include points downwards")
    sys.exit(1 if found else 0)
