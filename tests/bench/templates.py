#!/usr/bin/python3
"""Rendering beside Jinja2 in CPython: the same 200 templates, from their texts, as a task on a host has them (Ansible calls
from_string for each; gpustack keeps what it compiled), and compiled before the clock starts.

  templates.py BUILD [--repeats N]

BUILD is a build folder with bin/template_bench. The templates are those of configuration files as roles have them: loops over
hosts and users, conditions, filters, macros. No ratio is printed unless both render the same bytes.
"""
import argparse
import json
import pathlib
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


def jinja_seconds(given, repeats):
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    start = time.process_time()
    size = sum(len(environment.from_string(case["template"]).render(case["vars"])) for case in given)
    from_text = time.process_time() - start
    compiled = [(environment.from_string(case["template"]), case["vars"]) for case in given]
    start = time.process_time()
    for _ in range(repeats):
        for template, variables in compiled:
            template.render(variables)
    return from_text, (time.process_time() - start) / repeats, size


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build")
    options.add_argument("--repeats", type=amounts.count, default=50)
    given = options.parse_args()
    work = cases()
    program = pathlib.Path(given.build) / "bin/template_bench"
    done = subprocess.run([str(program), str(given.repeats)], input=json.dumps(work), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"templates: {done.stderr}")
    ours = json.loads(done.stdout)
    from_text, theirs, size = jinja_seconds(work, given.repeats)
    if ours["bytes"] != size:
        sys.exit(f"templates: {ours['bytes']} bytes, Jinja2 rendered {size}")
    print(f"200 templates, {size} bytes, Jinja2 {jinja2.__version__} and gpustack:")
    print(f"  from the text: {from_text * 1000:.2f} ms, {ours['text_seconds'] * 1000:.2f} ms, "
          f"{from_text / ours['text_seconds']:.1f}x")
    print(f"  compiled before: {theirs * 1000:.2f} ms, {ours['seconds'] * 1000:.2f} ms, {theirs / ours['seconds']:.1f}x")


if __name__ == "__main__":
    main()
