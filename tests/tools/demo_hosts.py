"""The demo's five aarch64 hosts: what they hold, where their packages come from, and how a second start saves time.

What a host's preparation leaves (the packages on offer, the lists apt has read, the runner) is kept in the cache and is a layer of
the next start; package tools repeat what they did from the same state (package_memo). Both are found by a hash over all that
decides them.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import host_roots  # noqa: E402
import hosts  # noqa: E402
import package_repository  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = SOURCE / "tests/fixtures/hosts"
FLEET = {"orin-01": "jetson-agx-orin-jp62", "gh200-01": "gh200-no-driver", "spark-01": "dgx-spark", "rock-01": "rock5b-mainline",
         "rpi-01": "rpi5"}
# Where the hosts find packages, as a folder of theirs: what developer.download.nvidia.com, nvidia.github.io and the
# distribution offer, by path below the repository.
REPOSITORY = "/var/lib/test-host-repository"
PACKAGES = {
    ".": ["linux-headers-{kernel}", "libgl1-mesa-dri=22.3.6-1", "libegl1=1.6.0-1", "libgles2=1.6.0-1", "libgbm1=22.3.6-1",
          "mesa-vulkan-drivers=22.3.6-1", "vulkan-tools=1.3.239-1", "docker.io=24.0.7", "podman=4.3.1", "nvidia-container=6.2.1",
          # Also here, so that a dry run can resolve them before NVIDIA's repository is set up.
          "nvidia-driver-pinning-580=580.95.05", "nvidia-dkms-open=580.95.05", "libnvidia-compute=580.95.05",
          "nvidia-persistenced=580.95.05", "nvidia-container-toolkit=1.18.0-1", "nvidia-container-toolkit-base=1.18.0-1",
          "libnvidia-container-tools=1.18.0-1", "libnvidia-container1=1.18.0-1"],
    "cuda/ubuntu2204/sbsa": ["nvidia-driver-pinning-580=580.95.05", "nvidia-dkms-open=580.95.05", "libnvidia-compute=580.95.05",
                             "nvidia-persistenced=580.95.05"],
    "toolkit/stable/deb/arm64": ["nvidia-container-toolkit=1.18.0-1", "nvidia-container-toolkit-base=1.18.0-1",
                                 "libnvidia-container-tools=1.18.0-1", "libnvidia-container1=1.18.0-1"],
}


def build_repository(folder, kernels):
    key = package_repository.SigningKey(folder / "keyring")
    for path, names in PACKAGES.items():
        packages = []
        for name in names:
            for kernel in kernels if "{kernel}" in name else [""]:
                packages.append(package_repository.Package.parse(name.replace("{kernel}", kernel)))
        place = folder / "repository" / path
        package_repository.build(place, packages)
        # The distribution's own source is trusted without a signature: to check one takes apt five seconds under emulation.
        if path != ".":
            key.sign(place, "NVIDIA CUDA" if path.startswith("cuda") else "gpustack tests")
    (folder / "key.asc").write_text(key.public())
    key.stop()
    return folder / "repository"


def kernel_releases():
    return {name: json.loads((FIXTURES / fixture / ".gpustack-fixture/uname.json").read_text())["release"] for name, fixture in FLEET.items()}


def host_specs(repository, prepared=None, memo=None):
    shim = (SOURCE / "tests/tools/systemctl_shim.sh").read_text()
    # JetPack brings nvidia-ctk along; here it describes one GPU, in the file it is asked for or on its output.
    generator = ('#!/bin/sh\nclass=gpu\nfor word in "$@"; do case $word in --output=*) exec > "${word#--output=}" ;; '
                 '--class=*) class=${word#--class=} ;; esac; done\n'
                 'echo \'{"cdiVersion": "0.6.0", "kind": "nvidia.com/\'"$class"\'", "devices": [{"name": "0", "containerEdits": '
                 '{"env": ["NVIDIA_GPU=0"]}}], "containerEdits": {}}\'\n')
    specs = []
    for name, release in kernel_releases().items():
        files = {"/usr/bin/systemctl": shim, "/usr/sbin/update-initramfs": "#!/bin/sh\nexit 0\n"}
        if name.startswith(("orin", "spark")):  # JetPack and DGX OS have it
            files["/usr/bin/nvidia-ctk"] = generator
        specs.append(hosts.HostSpec(name, "arm64", FIXTURES / FLEET[name], repository=repository, files=files,
                                    environment={"QEMU_UNAME": release}, prepared=prepared and prepared / name, memo=memo))
    return specs


def read_package_lists(fleet, name):
    fleet.exec_in(name, "/usr/bin/apt-get", "-qq", "update", check=True, stderr=subprocess.DEVNULL)
    fleet.exec_in(name, "/usr/bin/apt-cache", "policy", check=True, stdout=subprocess.DEVNULL)


class DemoHosts:
    """The five hosts, running. `key` is the public key that signs their packages."""

    def __init__(self, state, binaries):
        self.state, self.binaries = state, binaries
        memo = binaries.parent / "release/bin/package_memo"
        self.memo = (memo, host_roots.CACHE / "package-memo") if memo.exists() else None
        self.prepared = host_roots.CACHE / f"demo-{self.cache_key()}"
        self.was_prepared = self.prepared.exists()
        self.packages = self.prepared / "packages" if self.was_prepared else state.parent / "packages"
        self.key = self.packages / "key.asc"

    def cache_key(self):
        """Of everything that decides what a prepared host holds."""
        paths = [SOURCE / "tests/tools" / name for name in
                 ("demo_hosts.py", "hosts.py", "host_roots.py", "package_repository.py", "systemctl_shim.sh")]
        paths += [self.binaries / "gpustack-runner-aarch64", *([self.memo[0]] if self.memo else [])]
        for fixture in FLEET.values():
            paths += [path for path in sorted((FIXTURES / fixture).rglob("*")) if path.is_file() and not path.is_symlink()]
        whole = hashlib.sha256()
        for path in paths:
            whole.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return whole.hexdigest()[:12]

    def up(self):
        if not self.was_prepared:
            shutil.rmtree(host_roots.CACHE / "package-memo", ignore_errors=True)  # of hosts that were otherwise
            self.packages.mkdir(parents=True)
            build_repository(self.packages, kernel_releases().values())
        if self.memo:
            self.memo[1].mkdir(parents=True, exist_ok=True)
        specs = host_specs(self.packages / "repository", self.prepared if self.was_prepared else None, self.memo)
        fleet = hosts.Hosts(self.state).up(specs)
        if not self.was_prepared:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(lambda name: read_package_lists(fleet, name), FLEET))
        return fleet

    def keep(self, fleet):
        """Keeps the hosts as they are for later starts, in the place of what earlier versions kept."""
        for old in host_roots.CACHE.glob("demo-*"):
            shutil.rmtree(old, ignore_errors=True)
        partial = host_roots.CACHE / f"{self.prepared.name}.{os.getpid()}"
        partial.mkdir(parents=True)
        for name in FLEET:
            fleet.keep_prepared(name, partial / name)
        shutil.copytree(self.packages, partial / "packages", ignore=shutil.ignore_patterns("keyring"))
        partial.rename(self.prepared)
