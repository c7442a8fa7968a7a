"""What the core weighs: compiled for a Pico W, and in the heap of MicroPython's unix port."""

import subprocess
import sys
import tempfile
from pathlib import Path

from batcher_tools.compile import compile_file, compile_tree
from batcher_tools.paths import FIRMWARE, program

CORE = ("port", "ring", "batcher", "flusher", "backoff", "counter", "errors")

IMPORT = """
import sys, gc, asyncio, os, random, time, binascii
asyncio.Event; asyncio.ThreadSafeFlag
sys.path.insert(0, sys.argv[1])
import batcher, batcher.port_unix
gc.collect(); before = gc.mem_alloc()
import batcher.batcher
gc.collect(); print(gc.mem_alloc() - before)
"""

SOAK = """
import sys, gc, asyncio
sys.path.insert(0, sys.argv[1])
from batcher import Batcher
count = [0]
def send(batch):
    count[0] += len(batch)
async def main():
    b = Batcher(256)
    b.register_handler(send)
    b.start()
    marks = []
    items = 0
    while items < 1000000:
        for _ in range(64):
            b.add(items)
            items += 1
        await asyncio.sleep_ms(0)
        await asyncio.sleep_ms(0)
        if items in (1024, 1000000):
            gc.collect()
            marks.append(gc.mem_alloc())
    await b.close()
    assert count[0] == items, (count, items)
    print(marks[-1] - marks[0])
asyncio.run(main())
"""


def run(code: str, tree: Path, heap: str) -> int:
    script = tree / "script.py"
    script.write_text(code)
    command = [program("micropython"), "-X", f"heapsize={heap}", str(script), str(tree)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)
    return int(result.stdout)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = {}
        for part in CORE:
            out = folder / f"{part}.mpy"
            compile_file(FIRMWARE / "batcher" / f"{part}.py", out, part, "armv6m")
            sizes[part] = out.stat().st_size
        compile_tree(FIRMWARE, folder / "fw")
        imported = run(IMPORT, folder / "fw", "1m")
        growth = run(SOAK, folder / "fw", "64k")
    for part, size in sizes.items():
        print(f"  {part:10} {size:6}")
    print(f"core as .mpy for armv6m: {sum(sizes.values())} bytes")
    print(f"core imported from .mpy, 64-bit unix port: {imported} bytes of heap")
    print(f"a million items through a heap of 64 KB: growth {growth} bytes")
    print(f"BENCH core_mpy_bytes={sum(sizes.values())}")
    print(f"BENCH core_import_bytes={imported}")
    print(f"BENCH soak_growth_bytes={growth}")


main()
