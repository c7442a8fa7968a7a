"""Make the virtual environment, or say in one line what this machine lacks.

Usage: python3 tools/bootstrap.py .venv
Needs nothing but the standard library, and runs on any Python 3, to say that it is too old.
"""

import os
import platform
import subprocess
import sys


def missing():
    """-> what this machine lacks, in one line, or None."""
    if sys.version_info < (3, 11):
        return (
            "Python 3.11 or later is needed, found %s (set PYTHON=...)" % platform.python_version()
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return "Python's venv module is missing (on Debian: apt install python3-venv)"
    system, machine = platform.system(), platform.machine()
    if (system, machine) == ("Darwin", "arm64"):
        return None
    if (system, machine) != ("Linux", "x86_64"):
        return "Linux x86-64 or macOS on Apple silicon is needed, found %s %s" % (system, machine)
    libc, version = platform.libc_ver()
    if libc != "glibc" or tuple(map(int, version.split(".")[:2])) < (2, 28):
        return "glibc 2.28 or later is needed, found %s %s" % (libc or "another libc", version)
    return None


def main():
    lack = missing()
    if lack:
        print("setup:", lack)
        return 1
    target = sys.argv[1]
    print("setup: creating %s with pinned packages (half a minute, once)" % target, flush=True)
    subprocess.check_call([sys.executable, "-m", "venv", "--clear", target])
    pip = [os.path.join(target, "bin", "python"), "-m", "pip", "-qq", "--disable-pip-version-check"]
    return subprocess.call([*pip, "install", "-e", ".[dev]"])


if __name__ == "__main__":
    sys.exit(main())
