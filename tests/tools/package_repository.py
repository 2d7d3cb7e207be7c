#!/usr/bin/python3
"""A folder of small .deb files with a Packages index: an apt source that answers offline.

  package_repository.py FOLDER NAME[=VERSION][:ARCH][+FILE]...   write the packages into FOLDER

The packages hold nothing but a note (and FILE, an empty program, if given): they stand for the real ones where a test host
has no network, so that apt and dpkg really resolve, install and remove them.
"""
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import time


class Package:
    def __init__(self, name, version="1.0", architecture="arm64", depends="", files=None, section="misc"):
        self.name, self.version, self.architecture, self.depends = name, version, architecture, depends
        self.files, self.section = files or {}, section

    @classmethod
    def parse(cls, text):
        text, _, file = text.partition("+")
        text, _, architecture = text.partition(":")
        name, _, version = text.partition("=")
        return cls(name, version or "1.0", architecture or "arm64", files={file: "#!/bin/sh\n"} if file else None)

    def control(self):
        lines = [f"Package: {self.name}", f"Version: {self.version}", f"Architecture: {self.architecture}",
                 "Maintainer: gpustack tests <tests@localhost>", f"Section: {self.section}", "Priority: optional"]
        if self.depends:
            lines.append(f"Depends: {self.depends}")
        lines.append(f"Description: stands for {self.name} on a test host")
        return "\n".join(lines) + "\n"


def build(folder, packages):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for package in packages:
        deb = folder / f"{package.name}_{package.version.replace(':', '%3a')}_{package.architecture}.deb"
        with tempfile.TemporaryDirectory() as work:
            root = pathlib.Path(work)
            root.chmod(0o755)
            (root / "DEBIAN").mkdir()
            (root / "DEBIAN/control").write_text(package.control())
            note = root / f"usr/share/doc/{package.name}/test-host"
            note.parent.mkdir(parents=True)
            note.write_text("This package stands for the real one on a test host.\n")
            for path, text in package.files.items():
                target = root / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
                target.chmod(0o755 if text.startswith("#!") else 0o644)
            subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(deb)], check=True, stdout=subprocess.DEVNULL)
        index.append(index_entry(package.control(), deb))
    (folder / "Packages").write_text("\n".join(index))
    return folder


def index_entry(control, deb):
    data = deb.read_bytes()
    return control + f"Filename: ./{deb.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"


def write_index(folder):
    """The index of whatever packages lie in a folder."""
    entries = []
    for deb in sorted(pathlib.Path(folder).glob("*.deb")):
        control = subprocess.run(["dpkg-deb", "-f", str(deb)], check=True, capture_output=True, text=True).stdout
        entries.append(index_entry(control, deb))
    (pathlib.Path(folder) / "Packages").write_text("\n".join(entries))


class SigningKey:
    """A throw-away key; apt on the hosts checks the repository with its public half."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, mode=0o700)
        self.gpg("--quick-generate-key", "gpustack test repository <tests@localhost>", "rsa2048", "sign", "never")

    def gpg(self, *arguments):
        return subprocess.run(["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback",
                               "--passphrase", "", *arguments], check=True, capture_output=True).stdout

    def public(self):
        return self.gpg("--armor", "--export").decode()

    def sign(self, folder, label):
        """Writes InRelease for a flat repository, as apt wants it."""
        folder = pathlib.Path(folder)
        packages = (folder / "Packages").read_bytes()
        release = folder / "Release"
        date = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime())
        release.write_text(f"Origin: gpustack tests\nLabel: {label}\nDate: {date}\nSHA256:\n"
                           f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n")
        self.gpg("--clearsign", "--output", str(folder / "InRelease"), str(release))

    def stop(self):
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build(sys.argv[1], [Package.parse(text) for text in sys.argv[2:]])
