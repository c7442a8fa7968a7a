"""The unix port with flash that is mapped into memory, as a board has it.

`python -m batcher_tools.mapped IMAGE [-X heapsize=64k] CODE`: IMAGE (a ROMFS) lies outside of
MicroPython's heap and is mounted as /rom, whose modules run in place; then CODE is run.
"""

import ctypes
import sys
from pathlib import Path

from micropython_unix import run_main

MOUNT = """
import sys, uctypes, vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at({address}, {size})), "/rom")
sys.path[:] = ["/rom", ".frozen"]
del uctypes, vfs
"""


def main() -> int:
    path, *options, code = sys.argv[1:]
    image = Path(path).read_bytes()
    flash = ctypes.create_string_buffer(image, len(image))
    mount = MOUNT.format(address=ctypes.addressof(flash), size=len(image))
    return run_main(["micropython", *options, "-c", mount + code])


if __name__ == "__main__":
    sys.exit(main())
