"""Paths for the tests, and one pytest item for each portable test on each heap of MicroPython."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent
for folder in (HERE, ROOT / "firmware", ROOT):
    sys.path.insert(0, str(folder))

from batcher_tools.paths import MICROPYPATH, program  # noqa: E402


@pytest.fixture(autouse=True)
def _own_folder(request):
    """Portable tests write files where they are: each has a folder of its own."""
    if request.path.parent.name == "portable":
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))


@pytest.fixture(scope="session")
def micropython():
    """Run a script on real MicroPython: `micropython(path_or_code, *args, heap="128k")`.

    -> subprocess.CompletedProcess, output as text. Fails the test where the exit code is not 0,
    unless `check=False`.
    """

    def run(script, *args, heap="128k", check=True, timeout=120, env=None, cwd=ROOT):
        is_path = isinstance(script, Path) or script.endswith(".py")
        command = [program("micropython"), "-X", f"heapsize={heap}"]
        command += [str(script)] if is_path else ["-c", script]
        result = subprocess.run(
            [*command, *map(str, args)],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=cwd,
            env=dict(os.environ, MICROPYPATH=MICROPYPATH, **(env or {})),
        )
        if check and result.returncode:
            pytest.fail(f"{script}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    return run
