"""The firmware as files for a board: which go there, and compiled for its processor."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .compile import compile_text
from .link import link
from .paths import BOARDS, FIRMWARE

# Numbers of processors in sys.implementation._mpy (micropython: py/persistentcode.h).
ARCHITECTURES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
    "xtensa", "xtensawin", "rv32imc", "rv64imc",
)  # fmt: skip

# What a Batcher with a Ring imports: the package for those who bring their own everything.
CORE = (
    "__init__", "backoff", "batcher", "counter", "errors", "flusher", "irq", "port",
    "ring",
)  # fmt: skip
ELSEWHERE = ("port_host", "port_unix")  # parts of port.py that no board needs


@dataclass(frozen=True)
class Artifact:
    """One file as it is to be on the board: its path below the root, and its bytes."""

    path: str
    data: bytes

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.data).hexdigest()[:16]


def target_of(mpy: int) -> tuple[tuple[int, int], str]:
    """sys.implementation._mpy -> (.mpy version, name of the processor for mpy-cross)."""
    number = mpy >> 10 & 15
    architecture = ARCHITECTURES[number] if number < len(ARCHITECTURES) else ""
    return (mpy & 0xFF, mpy >> 8 & 3), architecture


def sources(board: str | None, core: bool = False, unix: bool = False) -> list[tuple[Path, str]]:
    """[(file here, its path on the board without suffix)]: package, main and one board's data."""
    found = []
    for path in sorted((FIRMWARE / "batcher").rglob("*.py")):
        name = path.relative_to(FIRMWARE).with_suffix("").as_posix()
        part = name.removeprefix("batcher/")
        if unix and part == "port_unix" or (part not in ELSEWHERE and (not core or part in CORE)):
            found.append((path, name))
    if core:
        return found
    if (FIRMWARE / "main.py").exists():
        found.append((FIRMWARE / "main.py", "batcher/main"))
    if board:
        for name in ("__init__", board):
            found.append((BOARDS / f"{name}.py", f"batcher/boards/{name}"))
    return found


def compile_one(path: Path, name: str, architecture: str, level: int = 3) -> bytes:
    """-> the .mpy of one source file; level 0 keeps `assert`, which tests need."""
    return compile_text(path.read_text(), name, architecture, level)


def build(
    board: str | None,
    architecture: str = "",
    *,
    source: bool = False,
    core: bool = False,
    kept: Iterable[str] = (),
    paths: bool = False,
) -> list[Artifact]:
    """-> every file for a board: compiled and joined (link), or as it is, where `source`.

    kept: names that stay as they are though nobody outside is known to use them.
    paths: tracebacks give a file's whole path, not only its stem.
    """
    files = sources(board, core, unix=architecture in ("x86", "x64"))
    if source:
        return [Artifact(f"{name}.py", path.read_bytes()) for path, name in files]
    package = FIRMWARE / "batcher"
    texts = {name: path.read_text() for path, name in files if not path.is_relative_to(package)}
    ours = {
        name.removeprefix("batcher/").replace("/", "."): path.read_text()
        for path, name in files
        if path.is_relative_to(package)
    }
    for name, text in link(ours, kept=kept).items():
        texts["batcher/" + name.replace(".", "/")] = text
    with ThreadPoolExecutor(4) as pool:
        compiled = pool.map(
            lambda item: compile_text(
                item[1], item[0], architecture, said=f"{item[0]}.py" if paths else None
            ),
            texts.items(),
        )
        return [Artifact(f"{name}.mpy", data) for name, data in zip(texts, compiled, strict=True)]


def package(core: bool) -> dict:
    """What package.json says for mip: [[path on the board, path from the package.json]].

    mip also installs on the unix port, which needs a part of port.py that no board does.
    """
    names = [name for _, name in sources(None, core, unix=True) if name != "batcher/main"]
    folder = "firmware/" if core else ""
    return {"urls": [[f"{name}.py", f"{folder}{name}.py"] for name in names], "version": "0.1.0"}
