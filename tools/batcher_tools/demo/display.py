"""What a person sees while the demo runs: a live panel, or plain lines without a terminal."""

from rich.align import Align
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_BARS = " ▁▂▃▄▅▆▇█"
_NETWORK = {"up": ("● up", "bold green"), "refused": ("✖ refused", "bold red")}
_NETWORK["black hole"] = ("◌ black hole", "bold yellow")


class PlainDisplay:
    """A line a second."""

    def __init__(self, console: Console):
        self._console = console
        self._next = 0.0
        self._network = "up"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __call__(self, demo):
        if demo.network != self._network:
            self._network = demo.network
            print(f"{demo.elapsed:5.1f} s  network: {demo.network}", flush=True)
        if demo.reports and demo.elapsed >= self._next:
            self._next = demo.elapsed + 1
            r = demo.last
            print(
                f"{demo.elapsed:5.1f} s  sampled {r['sampled']}  buffered {r['buffered']}  "
                f"delivered {r['delivered']}  retries {r['retries']}  heap {r['heap']}",
                flush=True,
            )


class LiveDisplay:
    def __init__(self, console: Console):
        self._live = Live(console=console, refresh_per_second=10, transient=True)

    def __enter__(self):
        self._live.__enter__()
        return self

    def __exit__(self, *exc):
        self._live.__exit__(*exc)

    def __call__(self, demo):
        self._live.update(_panel(demo))


def _panel(demo) -> Panel:
    r = demo.last
    text, style = _NETWORK[demo.network]
    if not demo.reports:
        body = Text("the board starts ...", style="dim")
        return Panel(body, title="Batcher demo", border_style="dim", width=76)
    figures = Table.grid(expand=True)
    names = ("sampled", "buffered", "delivered", "retries", "heap in use")
    values = (r["sampled"], r["buffered"], r["delivered"], r["retries"], f"{r['heap']:,} B")
    for _ in names:
        figures.add_column(justify="center", ratio=1)
    figures.add_row(*(Text(str(value), style="bold") for value in values))
    figures.add_row(*(Text(name, style="dim") for name in names))
    line = Table.grid(expand=True)
    line.add_column(width=18)
    line.add_column(ratio=1)
    line.add_row(Text("network"), Text(text, style=style))
    line.add_row(Text("buffered"), Text(_sparkline(demo), style="cyan"))
    line.add_row(Text("last error", style="dim"), Text(str(r.get("error") or "-"), style="dim"))
    done = min(demo.elapsed, demo.seconds)
    bar = ProgressBar(total=demo.seconds, completed=done, complete_style="green")
    note = f"{done:.0f} of {demo.seconds:.0f} s" if done < demo.seconds else "sending the rest"
    return Panel(
        Group(figures, Text(""), line, Text(""), bar, Align.right(Text(note, style="dim"))),
        title=f"Batcher demo · {demo.title}",
        border_style=style.split()[-1],
        width=76,
        padding=(1, 2),
    )


def _sparkline(demo, width: int = 50) -> str:
    depths = [report["buffered"] for report in demo.reports][-width:]
    most = max([1, *(report["buffered"] for report in demo.reports)])
    return "".join(_BARS[-(-depth * 8 // most)] for depth in depths)


def summary(demo, console: Console) -> None:
    """The table at the end."""
    v, r = demo.verdict, demo.last
    table = Table(title="What was sampled, and what the collector has", title_justify="left")
    for name in ("series", "sampled", "delivered", "lost"):
        table.add_column(name, justify="left" if name == "series" else "right")
    for series, (sampled, delivered) in sorted(v.by_series.items()):
        table.add_row(series, str(sampled), str(delivered), str(sampled - delivered))
    table.add_section()
    table.add_row("all", str(v.sampled), str(v.delivered), str(v.lost), style="bold")
    console.print(table)
    start, end = demo.outage
    figures = Table.grid(padding=(0, 2))
    for name, value in (
        ("network away", f"{end - start:.1f} s, from second {start:.1f}: refused, then black hole"),
        ("most buffered", f"{r.get('high_water', 0)} readings, in memory taken once at the start"),
        ("failed attempts", f"{r.get('errors', 0)}, each followed by a wait with jitter"),
        ("came again", f"{demo.repeats} readings, dropped by the collector: an answer was lost"),
        ("heap in use", f"{r.get('heap', 0):,} bytes after collection, growth {v.heap_growth}"),
    ):
        figures.add_row(name, value)
    console.print(figures)


def display(console: Console):
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
