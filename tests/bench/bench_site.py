"""The benchmark's site: small services, ten tasks each, as roles write them: files, templates, lines, accounts, commands, one
handler. A site of fewer tasks is the beginning of a longer one, so that after the longer one it changes nothing."""
import re

TASKS = """
    - name: "{s}: folder"
      file: {{path: "/opt/bench/{s}/conf.d", state: directory, mode: "0750"}}
    - name: "{s}: settings"
      copy: {{content: "service={s}\\nhost={{{{ inventory_hostname }}}}\\nport={p}\\n", dest: "/opt/bench/{s}/settings", mode: "0640"}}
    - name: "{s}: program"
      copy: {{src: program.sh, dest: "/opt/bench/{s}/program", mode: "0755"}}
    - name: "{s}: unit"
      template: {{src: unit.j2, dest: "/opt/bench/{s}/unit", mode: "0644"}}
      vars: {{service: "{s}", port: {p}}}
      notify: reload
    - name: "{s}: limits"
      lineinfile: {{path: "/opt/bench/limits", line: "{s} soft nofile {p}", create: true, mode: "0644"}}
    - name: "{s}: link"
      file: {{src: "/opt/bench/{s}/unit", dest: "/opt/bench/{s}/conf.d/unit", state: link}}
    - name: "{s}: account"
      user: {{name: "svc{p}", system: true, create_home: false, shell: /usr/sbin/nologin, home: "/opt/bench/{s}"}}
    - name: "{s}: owner"
      file: {{path: "/opt/bench/{s}/settings", owner: "svc{p}", mode: "0640"}}
    - name: "{s}: first start"
      command: touch "/opt/bench/{s}/started"
      args: {{creates: "/opt/bench/{s}/started"}}
    - name: "{s}: check"
      command: test -x "/opt/bench/{s}/program"
      changed_when: false
"""
HANDLER = """  handlers:
    - name: reload
      command: touch /opt/bench/reloaded
"""
UNIT = """[Unit]
Description={{ service | capitalize }} on {{ inventory_hostname }}
{% for peer in ansible_play_hosts_all if peer != inventory_hostname %}
Wants={{ peer }}
{% endfor %}
[Service]
ExecStart=/opt/bench/{{ service }}/program --port {{ port }}
"""
PROGRAM = "#!/bin/sh\nexec sleep 0\n" + "# padding\n" * 200
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
BLOCKS = re.split(r"(?m)^(?=    - name:)", TASKS)[1:]


def service(number):
    return NAMES[number] if number < len(NAMES) else f"service{number}"


def tasks(count):
    """The first `count` tasks, as YAML."""
    written = (BLOCKS[number % len(BLOCKS)].format(s=service(number // len(BLOCKS)), p=8000 + number // len(BLOCKS)) for number in range(count))
    return "".join(written)


def programs(count):
    """How many programs the first `count` tasks start on a host when nothing is left to change."""
    return sum(": check" in BLOCKS[number % len(BLOCKS)] for number in range(count))


def write(folder, *counts):
    """@return {count: playbook}; all of them in one folder, with what they need"""
    (folder / "templates").mkdir(parents=True)
    (folder / "files").mkdir()
    (folder / "templates/unit.j2").write_text(UNIT)
    (folder / "files/program.sh").write_text(PROGRAM)
    playbooks = {count: folder / f"site{count}.yml" for count in counts}
    for count, playbook in playbooks.items():
        playbook.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks(count)}{HANDLER}")
    return playbooks
