#!/usr/bin/python3
"""The tables of docs/platforms, from the recorded hosts: what is detected there, and how its GPU can be shared.

  platform_docs.py            writes the tables anew
  platform_docs.py --check    fails when a table differs from what this script would write
"""
import json
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
HOSTS = SOURCE / "tests/fixtures/hosts"
PAGES = SOURCE / "docs/platforms"
BEGIN, END = "<!-- Written by ./dev docs from the recorded hosts. -->", "<!-- End. -->"


def group_of(facts):
    """The page of a host, by what facts say of it."""
    profile, sub, vendor = facts["profile"], facts["subprofile"], facts["gpu_vendor"]
    if profile == "jetson":
        return "jetson"
    if sub == "dgx_spark":
        return "dgx-spark"
    if sub in ("grace_hopper", "grace_blackwell"):
        return "grace"
    if vendor == "none":
        return "without-gpu"
    if profile == "server_arm":
        return "arm-servers"
    if profile == "x86_64":
        return {"amd": "amd", "intel": "intel"}.get(vendor, "x86-nvidia")
    return "boards"


def hosts_by_page():
    pages = {}
    for folder in sorted(path for path in HOSTS.iterdir() if path.is_dir()):
        facts = json.loads((folder / ".gpustack-fixture/expect.json").read_text())
        pages.setdefault(group_of(facts), []).append((folder.name, facts))
    return pages


def row_of(name, facts):
    platform = facts["profile"] + (f" / {facts['subprofile']}" if facts["subprofile"] else "")
    gpu = f"{facts['gpu_model']}, {facts['driver']['name'] or 'no driver'}" if facts["gpu_model"] else "none"
    system = f", L4T {facts['l4t']['version']}" if facts["l4t"]["version"] != "none" else ""
    slicing = facts["slicing"]
    ways = ", ".join(f"**{way}**" if way == slicing["auto"] else way + (" (!)" if way in slicing["warned"] else "") for way in slicing["allowed"])
    plan = f"[{name}](../../tests/golden/roles/plans/{name}.txt)"
    return f"| {plan} | {facts['board']['model'] or facts['arch']} | {platform}{system} | {facts['evidence']} | {gpu} | {ways} |"


def table(hosts):
    lines = [BEGIN, "| Plan | Host | Profile | Told by | GPU and driver | Ways of sharing |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join(lines + [row_of(*host) for host in hosts] + [END])


def written(page, hosts):
    """The page's text with its table as it should be."""
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"{page}: expected one '{BEGIN}' and one '{END}'")
    before, rest = text.split(BEGIN)
    return before + table(hosts) + rest.split(END)[1]


def stale_pages():
    """[(page, text it should have)] of pages that differ; pages that are missing are an error."""
    pages = hosts_by_page()
    missing = [name for name in pages if not (PAGES / f"{name}.md").exists()]
    if missing:
        sys.exit(f"docs/platforms has no page for {', '.join(missing)}")
    found = [(PAGES / f"{name}.md", written(PAGES / f"{name}.md", hosts)) for name, hosts in sorted(pages.items())]
    return [(page, text) for page, text in found if page.read_text() != text]


def main(arguments):
    stale = stale_pages()
    if "--check" in arguments:
        for page, _ in stale:
            print(f"{page.relative_to(SOURCE)} is stale: run ./dev docs")
        return 1 if stale else 0
    for page, text in stale:
        page.write_text(text)
        print(page.relative_to(SOURCE))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
