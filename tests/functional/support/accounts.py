"""An account on a test host that must give its password."""
import os
import shutil
import subprocess

NUMBER = 1998


def why_not():
    """Why no password can be set, or None."""
    return None if shutil.which("openssl") else "needs the program openssl"


def crypted(password):
    done = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def add_asked(root, password, more=""):
    """Adds the user `asked`, who must give sudo this password. The keys are those of `deploy`; `more` are lines of sudoers."""
    with open(root / "etc/passwd", "a") as accounts, open(root / "etc/shadow", "a") as secrets:
        accounts.write(f"asked:x:{NUMBER}:{NUMBER}::/home/asked:/bin/bash\n")
        secrets.write(f"asked:{crypted(password)}:19700:0:99999:7:::\n")
    rules = root / "etc/sudoers.d/asked"
    rules.write_text("asked ALL=(ALL:ALL) PASSWD: ALL\n" + more)
    rules.chmod(0o440)
    home = root / "home/asked"
    shutil.copytree(root / "home/deploy", home)
    for path in [home, *home.rglob("*")]:
        os.chown(path, NUMBER, NUMBER)
