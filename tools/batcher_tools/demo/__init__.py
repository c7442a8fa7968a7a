"""`batcher demo`: chips -> batcher -> failing network -> collector, and nothing is missing."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def demo(
        seconds: Annotated[float, typer.Option(help="how long the board samples", min=3)] = 20,
        board: Annotated[str, typer.Option(help="which board plays")] = "virtual",
    ) -> None:
        """See it work: a board whose network fails in the middle, and what arrives."""
        raise SystemExit(_main(seconds, board))


def _main(seconds: float, board: str) -> int:
    import asyncio

    from rich.console import Console

    from ..paths import BUILD, ROOT
    from .boards import BOARDS
    from .display import display, summary
    from .page import write_page
    from .run import run

    if board not in BOARDS:
        print(f"demo: --board: found {board!r}, wanted one of: {', '.join(BOARDS)}")
        return 2
    console = Console(highlight=False)
    if note := BOARDS[board].note:
        print(f"demo: {note}", flush=True)
    try:
        with display(console) as show:
            result = asyncio.run(run(seconds, board, BUILD / "demo", show))
    except KeyboardInterrupt:
        print("demo: interrupted, everything is stopped")
        return 130
    for line in result.console[-15:]:
        print(f"board: {line}")
    if not result.reports:
        print(f"demo: the board said nothing and ended with {result.exit_code}")
    else:
        summary(result, console)
        page = write_page(result, BUILD / "demo.html")
        print(f"page: {page.relative_to(ROOT)}")
    print(result.verdict.line(result.took), flush=True)
    return 0 if result.verdict.good and not result.exit_code else 1
