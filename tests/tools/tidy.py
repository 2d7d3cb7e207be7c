#!/usr/bin/python3
"""Runs clang-tidy over the sources of core, inventory and modules and prints what it finds.

usage: tidy.py BUILD_FOLDER [FILE...]

BUILD_FOLDER holds compile_commands.json. A file that was clean is not looked at again while its preprocessed text, its
compiler flags and .clang-tidy stay the same: BUILD_FOLDER/tidy keeps one empty file per clean state. Exit 1 when
anything was found.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKED = ("core/", "inventory/", "modules/")


def state_of(entry):
    """A hash of everything that clang-tidy's answer depends on, the same in every folder the project is cloned to."""
    words = shlex.split(entry["command"])
    at = words.index("-o")
    preprocess = words[:at] + words[at + 2:]
    preprocess[preprocess.index("-c")] = "-E"
    text = subprocess.run(preprocess, cwd=entry["directory"], stdout=subprocess.PIPE, check=True).stdout
    rules = (ROOT / ".clang-tidy").read_bytes()
    whole = rules + "\0".join(words).encode() + text
    return hashlib.sha256(whole.replace(str(ROOT).encode(), b".")).hexdigest()


def examine(build, entry):
    """What clang-tidy prints about one file; empty when the file is clean."""
    clean = build / "tidy" / state_of(entry)
    if clean.exists():
        return ""
    done = subprocess.run(["clang-tidy", "-p", str(build), "--quiet", entry["file"]],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0 and not done.stdout.strip():
        clean.touch()
        return ""
    return done.stdout.strip() or done.stderr.strip()


def main(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    entries = {os.path.relpath(entry["file"], ROOT): entry
               for entry in json.loads((build / "compile_commands.json").read_text())}
    names = [os.path.relpath(name, ROOT) for name in arguments[1:]]
    names = names or sorted(name for name in entries if name.startswith(CHECKED))
    unknown = [name for name in names if name not in entries]
    if unknown:
        sys.exit(f"tidy: {unknown[0]} is no source file of the dev preset")
    (build / "tidy").mkdir(exist_ok=True)
    faulty = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for said in pool.map(lambda name: examine(build, entries[name]), names):
            if said:
                faulty += 1
                print(said, flush=True)
    print(f"clang-tidy: {len(names)} files, {faulty} with findings")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
