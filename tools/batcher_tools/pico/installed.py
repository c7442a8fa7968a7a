"""A file system as `batcher deploy` leaves it on a Pico W, settings included."""

import json
from pathlib import Path

from ..artifacts import build
from ..board import LAUNCHER, ONBOARD
from .filesystem import write_image

BOARD = "pico_w"
ARCHITECTURE = "armv6m"
JOINED = {"networks": [{"ssid": "emulated", "password": "password"}]}  # it takes any


def installed(path: Path, config: dict, more: dict[str, bytes] | None = None) -> Path:
    """Write the image: the compiled firmware, its launcher, `config` -> path."""
    files = {f"/{file.path}": file.data for file in build(BOARD, ARCHITECTURE)}
    files[LAUNCHER] = (ONBOARD / "launcher.py").read_bytes()
    files["/batcher/config.json"] = json.dumps(config).encode()
    return write_image(path, {**files, **(more or {})})
