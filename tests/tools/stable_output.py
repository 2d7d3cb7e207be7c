"""The output of `gpustack apply` in a form that two runs share: hosts in order within a task, no paths, times or keys of one run."""
import difflib
import re

# The last line of what one host says in a task; a diff stands above it.
HOST_LINE = re.compile(r"^(?:ok|changed|skipping|included|fatal|failed|\.\.\.ignoring)\b[^\[]*\[([\w.-]+)")
TIMES = [(re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?"), "TIME"), (re.compile(r"\b\d{2}:\d{2}:\d{2}\b"), "TIME")]

# A key made for one run; in a diff its lines begin with +.
KEY_BLOCK = re.compile(r"(?<=-----BEGIN PGP PUBLIC KEY BLOCK-----\n).*?(?=^\+?-----END)", re.DOTALL | re.MULTILINE)


def in_host_order(lines):
    """The lines of one task, sorted by host; what belongs to no host stays at the end."""
    entries, current, open_host = [], [], None
    for line in lines:
        current.append(line)
        match = HOST_LINE.match(line)
        if match and line.endswith("=> {"):
            open_host = match[1]  # what it says stands below, up to the brace
        elif match or (open_host and line == "}"):
            entries.append((match[1] if match else open_host, current))
            current, open_host = [], None
    return [line for _, entry in sorted(entries, key=lambda entry: entry[0]) for line in entry] + current


def stable(text, replacements=()):
    """@param replacements  [(text of this run, what stands for it)]"""
    for found, name in replacements:
        text = text.replace(str(found), name)
    text = KEY_BLOCK.sub("KEY\n", text)
    for pattern, name in TIMES:
        text = pattern.sub(name, text)
    out, task = [], []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
        line = line.rstrip()
        if re.match(r"(PLAY|TASK|RUNNING HANDLER|NO MORE HOSTS)\b", line):
            out += in_host_order(task)
            task = []
            out.append(line)
        else:
            task.append(line)
    out += in_host_order(task)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip("\n") + "\n"


def difference(expected, found):
    """A unified diff, empty when there is none."""
    return "".join(difflib.unified_diff(expected.splitlines(True), found.splitlines(True), "expected", "found"))
