"""Every listing of the README runs, on CPython and on real MicroPython."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from batcher_tools.collect.server import CollectorThread

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
LISTINGS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
WANTED = (
    "sent [{'n': 0}, {'n': 1}, {'n': 2}, {'n': 3}, {'n': 4}]",
    "True 50",
    "True",
    "[('bad', 'not a number')] 3",
    "10 at once\nall taken: True\nleft over: 0",
)


def test_the_readme_has_running_code_within_15_lines():
    assert "```python" in "\n".join(README.splitlines()[:15])
    assert len(LISTINGS) == len(WANTED)


@pytest.fixture
def listing(request, tmp_path):
    with CollectorThread(tmp_path / "db") as collector:
        code = LISTINGS[request.param].replace("127.0.0.1:8080", f"127.0.0.1:{collector.port}")
        script = tmp_path / "listing.py"
        script.write_text(code)
        yield script, WANTED[request.param], collector


@pytest.mark.parametrize("listing", range(len(WANTED)), indirect=True)
@pytest.mark.parametrize("which", ["cpython", "micropython"])
def test_a_listing_runs(listing, which, micropython):
    script, wanted, collector = listing
    if which == "micropython":
        out = micropython(script, heap="256k").stdout
    else:
        env = {"PYTHONPATH": str(ROOT / "firmware"), "PATH": ""}
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, env=env, timeout=60
        )
        assert done.returncode == 0, done.stderr
        out = done.stdout
    assert wanted in out
    if "HttpUplink" in script.read_text():
        rows = collector.rows()
        assert [row["value"] for row in rows] == [{"temperature": 21.4}]
        assert rows[0]["device"] == "shed"
