"""Files as the spool needs them, the same on both interpreters.

A part of port.py, kept apart because a batcher without flash does not need it. Python's own
file objects take a buffer and a range on MicroPython, which leaves nothing on the heap; on
CPython the same is a slice, and flushing to the disk is a call of its own.
"""

import os

from .port import MICROPYTHON

if MICROPYTHON:

    def write(file, buf, at, n):
        """Write buf[at:at+n], all of it; OSError where it does not fit."""
        if file.write(buf, at, n) != n:
            raise OSError(28, "short write")

    def read(file, buf, n):
        """Read up to n bytes into the front of buf -> how many."""
        return file.readinto(buf, n)

    def sync(file):
        """What has been written is on the medium when this returns."""
        file.flush()

    def entries(path):
        """Iterate over the names and sizes of the files in a folder."""
        for entry in os.ilistdir(path):
            yield entry[0], entry[3] if len(entry) > 3 else size_of(path + "/" + entry[0])

else:
    from .port_host import entries, read, sync, write  # noqa: F401


def shut(file):
    """Close the file, where there is one: what it still held may be lost. -> None"""
    if file is not None:
        try:
            file.close()
        except OSError:
            pass
    return


def make_folders(path: str) -> None:
    """Make the folder and those above it."""
    at = 0
    while at >= 0:
        at = path.find("/", at + 1)
        part = path if at < 0 else path[:at]
        try:
            os.stat(part)
        except OSError:
            os.mkdir(part)


def size_of(path: str) -> int:
    """-> bytes of the file, -1 where there is none."""
    try:
        return os.stat(path)[6]
    except OSError:
        return -1
