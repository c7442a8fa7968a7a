"""Files as the spool needs them, the same on both interpreters.

A part of port.py, kept apart because a batcher without flash does not need it. Python's own
file objects take a buffer and a range on MicroPython, which leaves nothing on the heap; on
CPython the same is a slice, and flushing to the disk is a call of its own.
"""

import os

from .port import MICROPYTHON

# What a flash that fails raises. An open file takes heap: where that is short, flash fails, too.
FAULTS = (OSError, MemoryError)

if MICROPYTHON:
    from os import ilistdir

    def write(file, buf, at, n):
        """Write buf[at:at+n], all of it; OSError where it does not fit."""
        if file.write(buf, at, n) != n:
            raise OSError(28, "short write")

    def sync(file):
        """What has been written is on the medium when this returns."""
        file.flush()

else:
    from .port_host import ilistdir, sync, write  # noqa: F401


def shut(file):
    """Close the file, where there is one: what it still held may be lost. -> None"""
    if file is not None:
        try:
            file.close()
        except FAULTS:
            pass
    return


def make_folders(path: str) -> None:
    """Make the folder and those above it. OSError."""
    if path and size_of(path) < 0:
        make_folders(path.rpartition("/")[0])
        os.mkdir(path)


def size_of(path: str) -> int:
    """-> bytes of the file, -1 where there is none."""
    try:
        return os.stat(path)[6]
    except FAULTS:
        return -1
