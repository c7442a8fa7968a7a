"""What the compiled firmware takes of the heap when imported from a file, and from ROMFS."""

import re
import subprocess
import tempfile
from pathlib import Path

from batcher_tools.artifacts import build
from batcher_tools.paths import program
from batcher_tools.romfs import make_romfs

STATION = "batcher.station batcher.sensors.bme280 batcher.uplink.build batcher.uplink.http \
batcher.uplink.enc_rows batcher.uplink.wifi batcher.records batcher.keep"
CODE = """
import asyncio, gc, sys
asyncio.Event
{mount}
sys.path[:] = [{path!r}, ".frozen"]
gc.collect()
before = gc.mem_alloc()
for name in {names!r}:
    __import__(name)
gc.collect()
print("used", gc.mem_alloc() - before)
"""


def used(mount, path, names):
    code = CODE.format(mount=mount, path=path, names=names)
    command = [program("micropython"), "-X", "heapsize=1m", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = re.search(r"used (\d+)", done.stdout)
    if not found:
        raise SystemExit(done.stdout + done.stderr)
    return int(found[1])


print("%-14s %10s %10s   bytes of heap when imported, 64 bits" % ("", "file", "ROMFS"))
for key, core, names in (
    ("core", True, ["batcher.batcher", "batcher.ring"]),
    ("station", False, STATION.split()),
):
    with tempfile.TemporaryDirectory() as folder:
        files = build(None, "x64", core=core)
        for file in files:
            target = Path(folder, "plain", file.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
        image = Path(folder, "image")
        image.write_bytes(make_romfs(files))
        plain = used("", f"{folder}/plain", names)
        mount = f"import vfs\nvfs.mount(vfs.VfsRom(open({str(image)!r}, 'rb').read()), '/rom')"
        rom = used(mount, "/rom", names)
    print("%-14s %10d %10d" % (key, plain, rom))
    print("BENCH romfs_%s_saved_bytes=%d" % (key, plain - rom))
