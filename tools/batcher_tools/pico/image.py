"""Where the MicroPython image for the emulated board is."""

import os
import re
from pathlib import Path

VARIABLE = "BATCHER_PICO_IMAGE"
CACHE = Path("~/.cache/rp2040py").expanduser()
HOW = (
    "no MicroPython image for the emulated Pico W: download RPI_PICO_W-*.uf2 (1.26 or later) from "
    f"https://micropython.org/download/RPI_PICO_W/ into {CACHE} or set {VARIABLE}=/path/to/it.uf2"
)


class NoImage(FileNotFoundError):
    """There is no image; the message says how to get one."""


def version_of(path: Path) -> tuple[int, ...]:
    """The version in an image's file name: RPI_PICO_W-20250911-v1.26.1.uf2 -> (1, 26, 1)."""
    found = re.search(r"-v(\d+)\.(\d+)\.(\d+)", path.name)
    return tuple(map(int, found.groups())) if found else ()


def find_image() -> Path:
    """The image to boot: the environment variable's, or the newest in rp2040py's cache.

    Raises NoImage where there is neither.
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise NoImage(f"{VARIABLE} names {path}, which is not a file")
        return path
    found = [path for path in CACHE.glob("RPI_PICO_W-*.uf2") if version_of(path) >= (1, 26)]
    if not found:
        raise NoImage(HOW)
    return max(found, key=version_of)
