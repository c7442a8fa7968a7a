"""The command `batcher`: one file a subcommand, put together here.

A subcommand's module exposes `register(app)`. Modules are imported only when needed:
`batcher --help` must not load a web server.
"""

import typer

app = typer.Typer(
    name="batcher",
    help="Sensor readings that are not lost: the host's side.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    from . import bench, collect

    for module in (bench, collect):
        module.register(app)
    app()
