"""What mip installs, and the firmware in a read-only image, each tried on real MicroPython."""

import ast
import http.server
import json
import re
import subprocess
import threading

import pytest

from batcher_tools.artifacts import CORE, build
from batcher_tools.artifacts import package as package_of
from batcher_tools.paths import FIRMWARE, ROOT, program
from batcher_tools.romfs import make_romfs

ADD = """
from batcher import Batcher
b = Batcher(4)
print("added", b.add(1), b.stats["pending"])
"""


LEFT_OUT = {  # on purpose, with those that need it: CPython has the tree, Tiered comes with all
    "package.json": {"batcher/port_host.py", "batcher/spilling.py"},
    "firmware/package.json": {"batcher/port_host.py"},
}


@pytest.mark.parametrize("name", ["package.json", "firmware/package.json"])
def test_a_package_names_files_that_are_there(name):
    package = json.loads((ROOT / name).read_text())
    here = (ROOT / name).parent
    for target, source in package["urls"]:
        assert (here / source).is_file(), source
        assert target.startswith("batcher/"), "top-level names of the board stay clean"
    # The tree says what belongs there: a new file that nobody listed is found here.
    core = name == "package.json"
    assert package["urls"] == package_of(core)["urls"], "write artifacts.package() into it"
    listed = {target.removeprefix("batcher/") for target, _ in package["urls"]}
    if core:
        assert listed == {f"{part}.py" for part in (*CORE, "port_unix")}
    else:
        there = {
            path.relative_to(FIRMWARE / "batcher").as_posix()
            for path in (FIRMWARE / "batcher").rglob("*.py")
        }
        assert there - listed == {"port_host.py"}
        assert listed <= there


@pytest.mark.parametrize("name", ["package.json", "firmware/package.json"])
def test_a_package_has_what_its_files_import(name):
    """Every `from .x import` of a listed file is listed, but for parts of other interpreters."""
    listed = {target for target, _ in json.loads((ROOT / name).read_text())["urls"]}
    for target in listed:
        path = FIRMWARE / target
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            folder = path.parents[node.level - 1].relative_to(FIRMWARE)
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for part in names:
                found = (folder / f"{part.replace('.', '/')}.py").as_posix()
                if (FIRMWARE / found).exists() and found not in listed:
                    assert found in LEFT_OUT[name], f"{target}: {found}"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args):
        super().__init__(*args, directory=str(ROOT))

    def log_message(self, *_):
        pass


@pytest.fixture
def files_over_http():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def mip(pico, url):
    command = [program("mpremote"), "connect", pico.url, "mip", "install", "--no-mpy", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "added True 1" in pico.run(ADD)
    assert pico.run("import os; print(os.listdir('/lib'))") == "['batcher']\n"


@pytest.mark.pico
def test_mip_installs_the_core(paced, files_over_http):
    mip(paced, f"{files_over_http}/package.json")


@pytest.mark.pico
@pytest.mark.proof  # 97 files through the REPL of a board that is emulated: four minutes
def test_mip_installs_everything(paced, files_over_http):
    mip(paced, f"{files_over_http}/firmware/package.json")
    code = "import os; from batcher.sensors.bme280 import BME280; print(BME280.SCHEMA[0])"
    assert paced.run(code) == "bme280\n"


def test_the_romfs_command_writes_an_image(tmp_path):
    from typer.testing import CliRunner

    from batcher_tools.cli import app, load

    load()
    run = CliRunner().invoke(app, ["romfs", "--core", "--out", str(tmp_path / "image")])
    assert run.exit_code == 0 and "mpremote romfs deploy" in run.output, run.output
    image = (tmp_path / "image").read_bytes()
    assert image == make_romfs(build(None, "armv6m", core=True)) and len(image) < 16 * 1024
    assert CliRunner().invoke(app, ["romfs", "--architecture", "z80"]).exit_code == 2


def test_a_romfs_image_is_mounted_imported_and_saves_memory(tmp_path):
    image = tmp_path / "batcher.romfs"
    image.write_bytes(make_romfs(build(None, "x64", core=True)))
    folder = tmp_path / "plain"
    for file in build(None, "x64", core=True):
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
    mount = f"import vfs\nvfs.mount(vfs.VfsRom(open({str(image)!r}, 'rb').read()), '/rom')\n"
    used = {}
    for name, prepare, path in (("rom", mount, "/rom"), ("flash", "", str(folder))):
        code = (
            "import asyncio, gc, sys\nasyncio.Event\n"
            f"{prepare}sys.path[:] = [{path!r}, '.frozen']\ngc.collect()\nbefore = gc.mem_alloc()\n"
            f"{ADD}del b\ngc.collect()\nprint('used', gc.mem_alloc() - before)\n"
        )
        done = subprocess.run(
            [program("micropython"), "-X", "heapsize=512k", "-c", code],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert "added True 1" in done.stdout, done.stdout + done.stderr
        used[name] = int(re.search(r"used (\d+)", done.stdout)[1])
    print("imported core, bytes of heap:", used)
    assert used["rom"] < used["flash"]


def test_the_lab_shows_what_the_readme_says(micropython):
    """Every line to type is typed; what it prints is there, in that order."""
    page = (ROOT / "README.md").read_text().partition("## A walk through the lab")[2]
    lines = [
        line for text in re.findall(r"```text\n(.*?)```", page, re.S) for line in text.split("\n")
    ]
    typed = [line[4:] for line in lines if line.startswith(">>> ")]
    assert {line.partition("(")[0] for line in typed} == {
        "burst", "unplug", "status", "fill", "plug", "slow"
    }  # fmt: skip
    shown = [
        line.partition("...,")[0].removesuffix(" ...") for line in lines if line.strip() != "..."
    ]
    shown = [line for line in shown if line and not line.startswith(">>> ") and " us" not in line]
    said = micropython("\n".join(["from lab import *", *typed]), heap="128k").stdout
    at = 0
    for line in shown:
        line = line.removesuffix(", ")
        assert line in said[at:], (line, said)
        at = said.index(line, at) + len(line)
    assert len(shown) >= 7
