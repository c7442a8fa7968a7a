"""A read-only file system (ROMFS) of the compiled firmware, which runs from flash in place."""

from pathlib import Path
from typing import Annotated

import typer
from mpremote.romfs import VfsRomWriter

from .artifacts import ARCHITECTURES, Artifact, build
from .paths import BUILD, write_out

IMAGE = BUILD / "batcher.romfs"


def make_romfs(files: list[Artifact]) -> bytes:
    """-> the image, for `mpremote romfs deploy` or vfs.VfsRom."""
    tree: dict = {}
    for file in files:
        *folders, name = file.path.split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = file.data
    writer = VfsRomWriter()

    def write(folder: dict) -> None:
        for name, content in sorted(folder.items()):
            if isinstance(content, dict):
                writer.opendir(name)
                write(content)
                writer.closedir()
            else:
                writer.mkfile(name, content)

    write(tree)
    return writer.finalise()


def register(app: typer.Typer) -> None:
    @app.command()
    def romfs(
        architecture: Annotated[
            str, typer.Option(help="armv6m: RP2040, armv7emsp: RP2350, xtensawin, rv32imc: ESP32")
        ] = "armv6m",
        core: Annotated[bool, typer.Option("--core", help="the Batcher alone")] = False,
        out: Annotated[Path, typer.Option(help="the image", dir_okay=False)] = IMAGE,
    ) -> None:
        """A read-only image of the compiled firmware, for `mpremote romfs deploy`."""
        if architecture not in ARCHITECTURES[1:]:
            raise typer.BadParameter(f"one of {', '.join(ARCHITECTURES[1:])}")
        image = make_romfs(build(None, architecture, core=core))
        write_out(out, image)
        print(f"{out}: {len(image) / 1024:.1f} KB; mpremote romfs deploy {out}")
