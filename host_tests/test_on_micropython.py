"""Every test of host_tests/portable, unchanged, on real MicroPython at two heap sizes.

One process runs a file; its tests count in pytest's report one by one.
A portable file that needs a larger heap than the small one says so in a line
`# heap: 256k`: it then runs at that size and at 8m.
"""

import ast
import os
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).parent
FILES = sorted((HERE / "portable").glob("test_*.py"))


def heaps(path):
    wanted = re.search(r"^# heap: (\w+)$", path.read_text(), re.MULTILINE)
    return (wanted[1] if wanted else "128k", "8m")


def names(path):
    tree = ast.parse(path.read_text())
    return [n.name for n in tree.body if getattr(n, "name", "").startswith("test_")]


CASES = [
    pytest.param(
        path,
        heap,
        name,
        id=f"{path.stem}-{heap}-{name}",
        marks=pytest.mark.xdist_group(f"{path.stem}-{heap}"),  # one process runs a file once
    )
    for path in FILES
    for heap in heaps(path)
    for name in names(path)
]


@cache
def outcome(micropython, path, heap):
    runner = HERE / "kit" / "runner.py"
    with TemporaryDirectory() as folder:  # what the tests write is nobody else's
        result = micropython(runner, path, heap=heap, check=False, timeout=280, cwd=folder)
    return result.stdout + result.stderr


@pytest.mark.parametrize("path, heap, name", CASES)
def test_portable(micropython, path, heap, name):
    text = outcome(micropython, path, heap)
    if f"PASS {name}\n" not in text:
        pytest.fail(f"{path.name} on MicroPython with {heap} of heap\n{text}", pytrace=False)


@pytest.mark.xdist_group("here")
def test_side_by_side_a_file_is_run_once(request):
    """pytest-xdist says a group in the test's name; with a pytest that it does not fit, it is not
    there, and each process would run each file again."""
    if "PYTEST_XDIST_WORKER" in os.environ and request.config.getoption("loadgroup"):
        assert request.node.nodeid.endswith("@here")
