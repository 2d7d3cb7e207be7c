#!/usr/bin/python3
"""Modules that want a kernel and systemd of their own, on a booted aarch64 machine (tests/tools/vm_host.py).

Each one is planned, applied and applied again; what the machine is like is asked by its own programs over ssh, never by the module.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build"))
sys.path.insert(0, str(SOURCE / "tests/tools"))
import vm_host  # noqa: E402

# A login takes seconds under emulation. What holds it ends with the machine, or so much later.
PERSIST = "120"
UNIT = "[Unit]\nDescription=a service of the tests\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy={0}\n"


def setUpModule():
    """One machine for all tests: a boot takes a minute or two."""
    reason = vm_host.why_not()
    if reason is not None:
        raise unittest.SkipTest(reason)
    work = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-vm-"))
    unittest.addModuleCleanup(shutil.rmtree, work, ignore_errors=True)
    Booted.work, Booted.machine = work, unittest.enterModuleContext(vm_host.Machine(work))
    (work / "inventory.ini").write_text(Booted.machine.inventory())


class Booted(unittest.TestCase):
    maxDiff = None
    work = machine = None

    def play(self, tasks, *arguments, timeout=900, **keywords):
        """Applies tasks; returns the recap's counts and the output."""
        (self.work / "site.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks, **keywords}]))
        done = subprocess.run([str(BUILD / "bin/gpustack"), "apply", "--output", "ansible", "--timeout", "240", "site.yml", "-i", "inventory.ini",
                               *arguments],
                              cwd=self.work, env={**os.environ, "NO_COLOR": "1", "GPUSTACK_PERSIST": PERSIST, "HOME": str(self.work)},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        output = done.stdout + done.stderr
        line = re.search(r"^vm\s+: (ok=.*)$", output, re.MULTILINE)
        self.assertIsNotNone(line, output)
        counts = {word: int(number) for word, number in re.findall(r"(\w+)=(\d+)", line.group(1))}
        self.assertEqual(0, counts["failed"] + counts["unreachable"], output)
        self.assertEqual(0, done.returncode, output)
        return counts, output

    def prove(self, tasks, question, expected, changes=1):
        """A plan changes nothing and foresees what a run does; a run ends in `expected`; a second one has nothing to do."""
        before = self.machine.ask(question)
        self.assertNotEqual(expected, before, "the machine is that way already: this proves nothing")
        planned, output = self.play(tasks, "--check")
        self.assertEqual(changes, planned["changed"], output)
        self.assertEqual(before, self.machine.ask(question), "a plan changed the machine\n" + output)
        applied, output = self.play(tasks)
        self.assertEqual(changes, applied["changed"], output)
        self.assertEqual(expected, self.machine.ask(question), output)
        again, output = self.play(tasks)
        self.assertEqual(0, again["changed"], output)
        self.assertEqual(expected, self.machine.ask(question), output)

    def put(self, path, text):
        self.machine.ask(f"mkdir -p {os.path.dirname(path)} && printf %s {json.dumps(text)} | sed 's/\\\\n/\\n/g' > {path}")


class Services(Booted):
    def test_systemd_starts_enables_stops_and_masks_a_unit(self):
        self.put("/etc/systemd/system/probe.service", UNIT.format("multi-user.target"))
        question = "systemctl is-enabled probe; systemctl is-active probe"
        self.prove([{"systemd": {"name": "probe", "state": "started", "enabled": True, "daemon_reload": True}}], question, "enabled\nactive")
        self.prove([{"systemd": {"name": "probe.service", "state": "stopped", "enabled": False}}], question, "disabled\ninactive")
        self.machine.ask("rm /etc/systemd/system/probe.service; systemctl daemon-reload")
        self.prove([{"systemd": {"name": "e2scrub_reap.service", "masked": True, "enabled": False}}],
                   "systemctl is-enabled e2scrub_reap", "masked")
        self.prove([{"systemd": {"name": "e2scrub_reap.service", "masked": False}}], "systemctl is-enabled e2scrub_reap", "enabled")

    def test_service_restarts_and_stops_a_unit(self):
        question = "systemctl is-enabled cron; systemctl is-active cron"
        first = self.machine.ask("systemctl show -P MainPID cron")
        counts, output = self.play([{"service": {"name": "cron", "state": "restarted"}}], "--check")
        self.assertEqual(1, counts["changed"], output)
        self.assertEqual(first, self.machine.ask("systemctl show -P MainPID cron"))
        self.play([{"service": {"name": "cron", "state": "restarted"}}])
        self.assertNotEqual(first, self.machine.ask("systemctl show -P MainPID cron"))
        self.prove([{"service": {"name": "cron", "state": "stopped", "enabled": False}}], question, "disabled\ninactive")
        self.prove([{"service": {"name": "cron", "state": "started", "enabled": True}}], question, "enabled\nactive")

    def test_service_facts_agree_with_systemctl(self):
        self.machine.ask("systemctl stop cron")
        self.addCleanup(self.machine.ask, "systemctl start cron")
        tasks = [{"service_facts": {}},
                 {"copy": {"content": "{{ services['cron.service'].state }} {{ services['cron.service'].status }} "
                                      "{{ services['ssh.service'].state }} {{ services['ssh.service'].status }} {{ services | length > 40 }}",
                           "dest": "/root/facts"}}]
        self.play(tasks)
        self.assertEqual("stopped enabled running enabled True", self.machine.ask("cat /root/facts"))

    def test_units_of_a_user(self):
        self.put("/home/deploy/.config/systemd/user/mine.service", UNIT.format("default.target"))
        self.machine.ask("chown -R deploy:deploy /home/deploy/.config; loginctl enable-linger deploy; until [ -S /run/user/1999/bus ]; do sleep 1; done")
        question = "systemctl --user -M deploy@ is-enabled mine; systemctl --user -M deploy@ is-active mine; systemctl is-active mine"
        tasks = [{"systemd": {"name": "mine", "scope": "user", "state": "started", "enabled": True, "daemon_reload": True},
                  "become": True, "become_user": "deploy"}]
        self.prove(tasks, question, "enabled\nactive\ninactive")


class Kernel(Booted):
    def test_sysctl_in_file_and_kernel(self):
        question = "cat /proc/sys/vm/swappiness; cat /etc/sysctl.d/90-test.conf"
        tasks = [{"sysctl": {"name": "vm.swappiness", "value": "17", "sysctl_file": "/etc/sysctl.d/90-test.conf", "sysctl_set": True}}]
        self.prove(tasks, question, "17\nvm.swappiness=17")
        # The file says so, the kernel no longer does.
        self.machine.ask("echo 60 > /proc/sys/vm/swappiness")
        self.prove(tasks, question, "17\nvm.swappiness=17")
        tasks[0]["sysctl"]["state"] = "absent"
        self.prove(tasks, "grep -c swappiness /etc/sysctl.d/90-test.conf", "0")

    def test_modprobe_now_and_after_a_boot(self):
        question = "lsmod | grep -c '^dummy '; cat /etc/modules-load.d/dummy.conf /etc/modprobe.d/dummy.conf 2>/dev/null; ip -br link | grep -c ^dummy"
        tasks = [{"modprobe": {"name": "dummy", "params": "numdummies=2", "persistent": "present"}}]
        self.prove(tasks, question, "1\ndummy\noptions dummy numdummies=2\n2")
        self.prove([{"modprobe": {"name": "dummy", "state": "absent", "persistent": "absent"}}], "lsmod | grep -c '^dummy '; "
                   "grep -hc ^dummy /etc/modules-load.d/dummy.conf", "0\n0")

    def test_mount_and_fstab(self):
        question = "findmnt -rno FSTYPE,SIZE /mnt/scratch; grep scratch /etc/fstab"
        tasks = [{"mount": {"path": "/mnt/scratch", "src": "tmpfs", "fstype": "tmpfs", "opts": "size=8m", "state": "mounted"}}]
        self.prove(tasks, question, "tmpfs 8M\ntmpfs /mnt/scratch tmpfs size=8m 0 0")
        tasks[0]["mount"]["opts"] = "size=16m"
        self.prove(tasks, question, "tmpfs 16M\ntmpfs /mnt/scratch tmpfs size=16m 0 0")
        tasks[0]["mount"]["state"] = "unmounted"
        self.prove(tasks, question, "tmpfs /mnt/scratch tmpfs size=16m 0 0")
        tasks[0]["mount"]["state"] = "absent"
        self.prove(tasks, question + "; ls -d /mnt/scratch", "")

    def test_a_file_system_in_a_file(self):
        self.machine.ask("truncate -s 16M /srv/disk.img && mkfs.ext4 -q -F /srv/disk.img")
        question = "findmnt -no FSTYPE /mnt/disk; findmnt -no OPTIONS /mnt/disk | grep -o -w noatime"
        tasks = [{"mount": {"path": "/mnt/disk", "src": "/srv/disk.img", "fstype": "ext4", "opts": "loop,noatime", "state": "mounted"}}]
        self.prove(tasks, question, "ext4\nnoatime")
        self.play([{"mount": {"path": "/mnt/disk", "state": "absent"}}])


class Settings(Booted):
    def test_hostname(self):
        self.addCleanup(self.machine.ask, "hostnamectl hostname vm")
        self.prove([{"hostname": {"name": "edge-7"}}], "hostnamectl --static; cat /etc/hostname; uname -n", "edge-7\nedge-7\nedge-7")

    def test_timezone(self):
        self.prove([{"timezone": {"name": "Asia/Tokyo"}}], "readlink -f /etc/localtime; cat /etc/timezone; date +%z",
                   "/usr/share/zoneinfo/Asia/Tokyo\nAsia/Tokyo\n+0900")

    def test_cron_of_a_user(self):
        tasks = [{"cron": {"name": "a job", "minute": "*/5", "job": "/bin/true", "user": "deploy"}},
                 {"cron": {"name": "PATH_OF_JOBS", "env": True, "job": "/opt", "user": "deploy"}}]
        self.prove(tasks, "crontab -u deploy -l", 'PATH_OF_JOBS="/opt"\n#Ansible: a job\n*/5 * * * * /bin/true', changes=2)
        for task in tasks:
            task["cron"]["state"] = "absent"
        self.prove(tasks, "crontab -u deploy -l | grep -v '^#' | grep -c .", "0", changes=2)

    def test_a_job_really_runs(self):
        self.prove([{"cron": {"name": "soon", "job": "touch /run/cron-ran", "cron_file": "soon", "user": "root"}}],
                   "grep -c 'root touch /run/cron-ran' /etc/cron.d/soon", "1")
        self.assertEqual("yes", self.machine.ask("for i in $(seq 100); do [ -e /run/cron-ran ] && echo yes && break; sleep 1; done"))


class Reboots(Booted):
    def test_a_play_goes_on_behind_a_reboot(self):
        self.play([{"copy": {"dest": "/etc/systemd/system/kept.service", "content": UNIT.format("multi-user.target")}},
                   {"systemd": {"name": "kept", "enabled": True, "daemon_reload": True}},
                   {"mount": {"path": "/mnt/kept", "src": "tmpfs", "fstype": "tmpfs", "opts": "size=8m", "state": "mounted"}},
                   {"modprobe": {"name": "dummy", "persistent": "present"}},
                   {"sysctl": {"name": "vm.swappiness", "value": "23", "sysctl_file": "/etc/sysctl.d/91-kept.conf"}},
                   {"cron": {"name": "at boot", "special_time": "reboot", "job": "touch /root/at-boot"}},
                   {"hostname": {"name": "kept"}}])
        boot = "cat /proc/sys/kernel/random/boot_id"
        first = self.machine.ask(boot)
        # The service is enabled, not started: it runs only behind a boot.
        self.assertEqual("inactive", self.machine.ask("systemctl is-active kept"))
        tasks = [{"reboot": {"reboot_timeout": 1200, "test_command": "systemctl is-active kept", "post_reboot_delay": 1, "msg": "tests"}, "register": "boot"},
                 {"command": boot, "register": "now", "changed_when": False},
                 {"copy": {"dest": "/root/behind", "content": "{{ boot.rebooted }} {{ boot.elapsed > 0 }} {{ now.stdout }}\n"}}]
        counts, output = self.play(tasks[:1], "--check")
        self.assertEqual(1, counts["changed"], output)
        self.assertEqual(first, self.machine.ask(boot), "a plan rebooted the machine")
        counts, output = self.play(tasks, timeout=1500)
        second = self.machine.ask(boot)
        self.assertNotEqual(first, second)
        self.assertEqual({"ok": 3, "changed": 2}, {word: counts[word] for word in ("ok", "changed")}, output)
        self.assertEqual(f"True True {second}", self.machine.ask("cat /root/behind"))
        self.assertEqual("active\ntmpfs\n1\n23\nkept\n/root/at-boot", self.machine.ask(
            "systemctl is-active kept; findmnt -no FSTYPE /mnt/kept; lsmod | grep -c '^dummy '; cat /proc/sys/vm/swappiness; uname -n; "
            "for i in $(seq 60); do ls /root/at-boot 2>/dev/null && break; sleep 1; done"))


if __name__ == "__main__":
    unittest.main()
