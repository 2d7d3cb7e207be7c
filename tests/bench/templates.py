#!/usr/bin/python3
"""Rendering beside Jinja2 in CPython: the same 200 templates, from their texts, as a task on a host has them (Ansible calls
from_string for each; gpustack keeps what it compiled), and compiled before the clock starts.

  templates.py BUILD [--repeats N] [--rounds N]

BUILD is a build folder with bin/template_bench. Both engines take turns, a round of N passes each, and the middle of the rounds'
ratios is printed with the least and the most: other work of the machine then meets both. The templates are those of configuration files as roles have them: loops over
hosts and users, conditions, filters, macros. No ratio is printed unless both render the same bytes.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

import jinja2

import amounts

SHAPES = [
    "server {{ name }} {\n  listen {{ port }};\n{% for alias in aliases %}  server_name {{ alias }}.{{ domain }};\n{% endfor %}}\n",
    "{% for user in users %}{{ user.name }}:{{ user.uid }}:{{ user.groups | join(',') }}:{{ user.shell | default('/bin/sh') }}\n{% endfor %}",
    "{% if is_open and port > 1024 %}allow {{ port }}/tcp{% elif is_open %}allow {{ name | upper }}{% else %}deny{% endif %}\n",
    "{% macro line(key, value) %}{{ key }} = {{ value }}\n{% endmacro %}{% for key, value in options | dictsort %}{{ line(key, value) }}{% endfor %}",
    "[{{ name }}]\n{% for key, value in options.items() if value is not none %}{{ key | replace('_', '-') }}={{ value | lower }}\n{% endfor %}",
    "{% set ns = namespace(total=0) %}{% for user in users %}{% set ns.total = ns.total + user.uid %}{% endfor %}sum {{ ns.total }}\n",
    "upstream {{ name }} {\n{% for user in users | sort(attribute='uid') | selectattr('uid', 'gt', 2) %}  server 10.0.0.{{ user.uid }}:{{ port + loop.index }}{% if not loop.last %};{% endif %}\n{% endfor %}}\n",
    "{{ name }}-{{ number }}.{{ domain }} {{ aliases | map('upper') | join(' ') }} {{ (port * 2) // 3 }} {{ '%05d' % port }}",
    "{% for user in users %}{% for group in user.groups %}{{ loop.index }}:{{ group }} {% endfor %}{{ loop.length }}\n{% endfor %}",
    "{{ {'name': name, 'port': port, 'aliases': aliases} }} {{ aliases | length }} {{ aliases | first }} {{ name[:3] }}{{ domain.split('.')[0] }}",
]


def cases():
    made = []
    for number in range(200):
        made.append({"template": SHAPES[number % len(SHAPES)] + f"# {number}\n", "vars": {
            "name": f"web{number}", "number": number, "port": 8000 + number, "domain": "example.com", "is_open": number % 3 > 0,
            "aliases": [f"alias{i}" for i in range(number % 7 + 1)],
            "users": [{"name": f"user{i}", "uid": i, "groups": ["wheel", "video", f"g{i}"][:i % 3 + 1]} for i in range(number % 11 + 2)],
            "options": {"max_clients": number, "log_level": "INFO", "timeout": 5.5, "retries": 3, "enabled": True}}})
    return made


class Jinja:
    """Jinja2 in CPython, set up as Ansible does."""

    def __init__(self, given):
        self.given = given
        self.environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
        self.compiled = [(self.environment.from_string(case["template"]), case["vars"]) for case in given]
        self.size = sum(len(template.render(variables)) for template, variables in self.compiled)

    def round(self, repeats):
        """Seconds of CPU of one pass: from the texts, and with templates compiled before."""
        start = time.process_time()
        for case in self.given:
            self.environment.from_string(case["template"]).render(case["vars"])
        from_text = time.process_time() - start
        start = time.process_time()
        for _ in range(repeats):
            for template, variables in self.compiled:
                template.render(variables)
        return from_text, (time.process_time() - start) / repeats


def our_round(program, work, repeats):
    done = subprocess.run([str(program), str(repeats)], input=work, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"templates: {done.stderr}")
    return json.loads(done.stdout)


def line(label, theirs, ours):
    ratios = sorted(their / our for their, our in zip(theirs, ours))
    return (f"  {label}: {statistics.median(theirs) * 1000:.2f} ms, {statistics.median(ours) * 1000:.2f} ms, "
            f"{statistics.median(ratios):.1f}x ({ratios[0]:.1f} to {ratios[-1]:.1f})")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build")
    options.add_argument("--repeats", type=amounts.count, default=50)
    options.add_argument("--rounds", type=amounts.count, default=9)
    given = options.parse_args()
    work = cases()
    text = json.dumps(work)
    program = pathlib.Path(given.build) / "bin/template_bench"
    oracle = Jinja(work)
    ours, theirs = [], []
    for _ in range(given.rounds):
        ours.append(our_round(program, text, given.repeats))
        theirs.append(oracle.round(given.repeats))
        if ours[-1]["bytes"] != oracle.size:
            sys.exit(f"templates: {ours[-1]['bytes']} bytes, Jinja2 rendered {oracle.size}")
    print(f"200 templates, {oracle.size} bytes, Jinja2 {jinja2.__version__} and gpustack, {given.rounds} rounds:")
    print(line("from the text", [one[0] for one in theirs], [one["text_seconds"] for one in ours]))
    print(line("compiled before", [one[1] for one in theirs], [one["seconds"] for one in ours]))


if __name__ == "__main__":
    main()
