"""A folder that begins empty, on both interpreters."""

import os


def folder(name: str) -> str:
    """-> the path of an empty folder under build/scratch of the current directory."""
    path = "build/scratch"
    for part in ("build", path):
        try:
            os.mkdir(part)
        except OSError:
            pass
    # Two interpreters, or heaps, may run the same test at once.
    path = "%s/%s-%s" % (path, name, "".join(["%02x" % b for b in os.urandom(4)]))
    os.mkdir(path)
    return path


def remove(path: str) -> None:
    """Delete the folder and the files in it."""
    for name in os.listdir(path):
        os.remove(path + "/" + name)
    os.rmdir(path)
