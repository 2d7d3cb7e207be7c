"""Ansible's own programs without their start, which is half a second of imports: this process has them loaded, a call is a fork of it.

What Ansible takes from the environment as it is loaded, its settings and colours, a call reads anew.
"""

import atexit
import importlib
import os
import subprocess
import sys
import tempfile
import traceback


def load(program):
    """The module of a program as `ansible-vault`. Loaded before the first call, no call loads it."""
    return importlib.import_module("ansible.cli." + program.removeprefix("ansible-"))


def run(program, *words, cwd, env, text=b""):
    """As subprocess.run() with its output captured, in a session of its own: it has no terminal."""
    load(program)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text)
        given.seek(0)
        child = os.fork()
        if child == 0:
            os.setsid()
            for number, file in enumerate((given, out, err)):
                os.dup2(file.fileno(), number)
            become(program, words, cwd, env)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        shown = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0) for file in (out, err)]
    return subprocess.CompletedProcess([program, *words], code, *shown)


def become(program, words, cwd, env):
    """As os.execvpe(), in a fork whose file descriptors 0 to 2 are in place."""
    code = 1
    try:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
        sys.argv = [program, *words]
        atexit._clear()  # what the caller would remove when it ends is still in use
        for name in ("ansible.constants", "ansible.utils.color"):
            importlib.reload(sys.modules[name])
        try:
            load(program).main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
            if isinstance(code, str):
                print(code, file=sys.stderr)
                code = 1
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
