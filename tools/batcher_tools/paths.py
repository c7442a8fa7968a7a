"""Where things are in a clone."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"
HOST_TESTS = ROOT / "host_tests"
BUILD = ROOT / "build"

# What MicroPython needs to find the firmware, the boards and the test kit.
MICROPYPATH = f"{FIRMWARE}:{HOST_TESTS}:{ROOT}:.frozen"


def program(name: str) -> str:
    """The path of a program of the virtual environment; FileNotFoundError if it is not there."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise FileNotFoundError(f"{name} is not in the virtual environment: run `make setup`")
    return found


def write_out(path: Path, data: bytes) -> None:
    """A command's result into the file that was asked for; what hinders it is one line."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as exc:
        reason = exc.strerror
        if isinstance(exc, FileExistsError):  # what mkdir says of a file
            reason = f"{path.parent} is no folder"
        raise SystemExit(f"batcher: {path}: cannot be written: {reason}") from None
