"""`batcher freeze`: a MicroPython image with the firmware in it, which then takes no heap."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from ..artifacts import Artifact, build
from ..compile import compile_text
from ..paths import BUILD, write_out
from .image import Image, ImageError, from_uf2, to_uf2
from .tables import add

BOARD = "pico_w"
ARCHITECTURE = "armv6m"
MARK = "batcher_frozen"  # the module that says which firmware is in an image


def fingerprint(files: list[Artifact]) -> str:
    """-> 16 digits that stand for these files."""
    listed = "".join(sorted(f"{file.hash} {file.path}\n" for file in files))
    return hashlib.sha256(listed.encode()).hexdigest()[:16]


def freeze(image: bytes) -> bytes:
    """-> the stock image (UF2) with the firmware in it. Raises ImageError."""
    mark = f"HASH = '{fingerprint(build(BOARD, ARCHITECTURE))}'\n"
    # A file's name in its table of names is the image's path: it must stand for nothing else.
    files = build(BOARD, ARCHITECTURE, paths=True)
    modules = {f"{MARK}.mpy": compile_text(mark, MARK, ARCHITECTURE, said=f"{MARK}.py")}
    for file in files:
        # The board's own files lie in /batcher, where the firmware runs; in an image, at its top.
        path = file.path.removeprefix("batcher/") if "/boards/" in file.path else file.path
        modules[path] = file.data
    named = {path.replace(".mpy", ".py"): data for path, data in modules.items()}
    return to_uf2(add(Image(from_uf2(image)), named))


def register(app: typer.Typer) -> None:
    @app.command("freeze")
    def command(
        image: Annotated[Path, typer.Argument(help="RPI_PICO_W-*.uf2, as it is downloaded")],
        out: Annotated[Path | None, typer.Option(help="build/batcher-*.uf2 if not given")] = None,
    ) -> None:
        """A Pico W image with the firmware in it: twice the free memory. Flash it, then deploy."""
        try:
            made = freeze(image.read_bytes())
        except (OSError, ImageError) as exc:
            raise typer.BadParameter(f"{image}: {exc}")
        target = out or BUILD / f"batcher-{image.name}"
        write_out(target, made)
        print(f"{target}: {len(made) // 2048} KB of flash")
        print("hold BOOTSEL while you plug the board in, copy this file to its drive, then run")
        print("`batcher deploy`: it copies the few files that are not in the image")
