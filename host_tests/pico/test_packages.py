"""What mip installs, and the firmware in a read-only image, each tried on real MicroPython."""

import http.server
import json
import re
import subprocess
import sys
import threading

import pytest

from batcher_tools.artifacts import CORE, build
from batcher_tools.paths import FIRMWARE, ROOT, program
from batcher_tools.romfs import make_romfs

ADD = """
from batcher import Batcher
b = Batcher(4)
print("added", b.add(1), b.stats["pending"])
"""


@pytest.mark.parametrize("name", ["package.json", "firmware/package.json"])
def test_a_package_names_files_that_are_there(name):
    package = json.loads((ROOT / name).read_text())
    here = (ROOT / name).parent
    for target, source in package["urls"]:
        assert (here / source).is_file(), source
        assert target.startswith("batcher/"), "top-level names of the board stay clean"
    listed = {target for target, _ in package["urls"]}
    if name == "package.json":
        assert listed == {f"batcher/{part}.py" for part in CORE}
    else:
        everything = {
            path.relative_to(FIRMWARE).as_posix()
            for path in (FIRMWARE / "batcher").rglob("*.py")
            if path.stem not in ("port_host", "port_unix")
        }
        assert listed <= everything and len(listed) > 40


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


@pytest.mark.pico
def test_mip_installs_the_core(paced, files_over_http):
    command = [program("mpremote"), "connect", paced.url, "mip", "install", "--no-mpy"]
    done = subprocess.run(
        [*command, f"{files_over_http}/package.json"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "added True 1" in paced.run(ADD)
    assert paced.run("import os; print(os.listdir('/lib'))") == "['batcher']\n"


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


def test_the_type_stubs_say_what_the_code_does():
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--concise", "--ignore-missing-stub", "batcher"],
        capture_output=True, text=True, timeout=120, cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "MYPYPATH": "tools/stubs", "PYTHONPATH": str(FIRMWARE)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lab_shows_what_it_says(micropython):
    said = micropython(
        "from lab import *\nburst(40)\nunplug()\nfill()\nplug()\nslow(10)\nburst(20)", heap="128k"
    ).stdout
    last = said.strip().splitlines()[-1]
    assert "added 444, delivered 316, dropped 128, rejected 0, pending 0" in last, said
