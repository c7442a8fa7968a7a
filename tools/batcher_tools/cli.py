"""The command `batcher`: one file a subcommand, put together here.

A subcommand's module exposes `register(app)`. Modules are imported only when needed:
`batcher --help` must not load a web server.
"""

import io
import sys

import typer

app = typer.Typer(
    name="batcher",
    help="Sensor readings that are not lost: the host's side.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def load() -> None:
    """Put the subcommands together."""
    from . import bench, collect, demo, deploy, provision, romfs, talk
    from .frozen import command as frozen

    for module in (bench, collect, demo, deploy, frozen, provision, romfs, talk):
        module.register(app)


def main() -> None:
    from .device import DeviceError

    # What a board prints may have letters that a terminal or a pipe cannot show.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    load()
    try:
        app()
    except DeviceError as exc:
        print(f"batcher: {exc}", file=sys.stderr)
        sys.exit(1)
