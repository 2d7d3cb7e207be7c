"""The benchmark's hosts, and the ways that lead to them: at once, or over a slow link (relay.cpp)."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import hosts  # noqa: E402
from host_roots import quiet, write  # noqa: E402

# Of the controller's side; only relays listen there.
RELAY_NET = "10.89"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def signals_later():
    """Ctrl-C waits until what was started is written down."""
    came = []
    before = {number: signal.signal(number, lambda caught, _: came.append(caught)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


class Fleet(hosts.Hosts):
    """Native test hosts: each has its own network namespace, address, root and sshd."""

    def start_host(self, *arguments):
        with signals_later():
            return super().start_host(*arguments)

    def down(self):
        super().down()
        # Of a host that was not written down yet when its start was given up.
        mounted = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
        for path in reversed([path for path in mounted if path.startswith(f"{self.state}/")]):
            quiet("umount", "-l", path)

    @property
    def names(self):
        return list(self.data["hosts"])

    def cpu_s(self):
        """CPU that the hosts have used so far, in seconds: of all processes there and of those they waited for."""
        spaces = {os.readlink(f"/proc/{host['pid']}/ns/pid") for host in self.data["hosts"].values()}
        ticks = 0
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.readlink(f"/proc/{entry}/ns/pid") in spaces:
                    ticks += sum(map(int, pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[11:15]))
            except OSError:
                pass  # it has ended
        return ticks * TICK_S


class Way:
    """An inventory and an ssh configuration that lead to the hosts of a fleet."""

    title = "direct"

    def __init__(self, fleet, name="direct", addresses=None):
        self.fleet = fleet
        state, own = fleet.state, {host: entry["address"] for host, entry in fleet.data["hosts"].items()}
        self.addresses = addresses or own
        self.inventory, self.ssh_config = state / f"inventory-{name}.ini", state / f"ssh_config-{name}"
        keys = dict(line.split(" ", 1) for line in (state / "known_hosts").read_text().splitlines())
        known = state / f"known_hosts-{name}"
        write(known, "".join(f"{address} {keys[own[host]]}\n{host} {keys[own[host]]}\n" for host, address in self.addresses.items()))
        # The interpreter spares Ansible the search.
        write(self.inventory, "".join(f"{host} ansible_host={address}\n" for host, address in self.addresses.items()) +
              f"\n[all:vars]\nansible_user=root\nansible_ssh_private_key_file={state}/id_ed25519\n"
              f"ansible_ssh_common_args='-o UserKnownHostsFile={known}'\nansible_python_interpreter=/usr/bin/python3\n")
        write(self.ssh_config, "".join(f"Host {host}\n  HostName {address}\n" for host, address in self.addresses.items()) +
              f"Host *\n  User root\n  IdentityFile {state}/id_ed25519\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n  BatchMode yes\n")

    def counts(self):
        """Bytes and connections so far: {to_hosts, from_hosts, connections}, or None where nothing counts them."""
        return None

    def close(self):
        pass


class SlowWay(Way):
    """Leads through a relay. @param delay_ms  one way  @param mbit  each way and host; 0 = no limit"""

    def __init__(self, program, fleet, delay_ms, mbit=0):
        self.relay = None
        own = {host: entry["address"] for host, entry in fleet.data["hosts"].items()}
        number = len(list(fleet.state.glob("ssh_config-*")))
        addresses = {host: f"{RELAY_NET}.{number}.{place + 1}" for place, host in enumerate(own)}
        super().__init__(fleet, f"relay{number}", addresses)
        self.title = f"round trip {2 * delay_ms:g} ms" + (f", {mbit:g} Mbit/s" if mbit else "")
        fleet.exec("ip", "route", "replace", "local", f"{RELAY_NET}.0.0/16", "dev", "lo", check=True)
        words = [f"{address}:22={own[host]}:22" for host, address in addresses.items()]
        with signals_later():
            self.relay = fleet.popen(str(program), str(round(delay_ms * 1000)), str(round(mbit * 1e6 / 8)), *words, text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if not self.relay.stdout.readline().startswith("ready"):
            self.close()
            raise SystemExit("bench: the relay does not start")

    def counts(self):
        self.relay.stdin.write("\n")
        self.relay.stdin.flush()
        return json.loads(self.relay.stdout.readline())

    def close(self):
        with contextlib.suppress(OSError):  # it may have ended already
            self.relay.stdin.close()
        try:
            self.relay.wait(10)
        except subprocess.TimeoutExpired:
            self.relay.kill()
            self.relay.wait()
        self.relay.stdout.close()
