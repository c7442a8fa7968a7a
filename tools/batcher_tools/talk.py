"""`batcher devices`, `monitor`, `logs` and `repl`: looking at boards, and talking to them."""

import json
import os
import subprocess
import time
from collections import deque
from typing import Annotated

import serial
import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from .board import leave, maintain, survey
from .device import Device, DeviceError, candidates, choose, open_port
from .paths import BOARDS, BUILD, FIRMWARE, program

BARS = "▁▂▃▄▅▆▇█"
DEVICE = typer.Argument(help="its port, such as /dev/ttyACM0; may be left out if there is one")
console = Console()


def sparkline(values) -> str:
    """Numbers as a line of small bars."""
    values = list(values)
    low, high = min(values, default=0), max(values, default=0)
    span = high - low or 1
    return "".join(BARS[(value - low) * (len(BARS) - 1) // span] for value in values)


def lines_of(port, seconds: float | None = None):
    """What a board prints, line by line, until `seconds` have passed (None: for ever)."""
    deadline = None if seconds is None else time.monotonic() + seconds
    held = b""
    port.timeout = 0.2
    while deadline is None or time.monotonic() < deadline:
        try:
            held += port.read(max(1, port.in_waiting))
        except (OSError, serial.SerialException) as exc:
            raise DeviceError(f"the connection was lost ({exc})")
        *lines, held = held.split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").rstrip("\r")


def report_of(line: str) -> dict | None:
    """The firmware's report in a line it printed (a JSON object), or None."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def table_of(report: dict, history: dict) -> Table:
    """A report as a table, with a sparkline for each number that has a past."""
    table = Table("", "now", "lately")
    for key, value in report.items():
        number = isinstance(value, int) and not isinstance(value, bool)
        if number:
            history.setdefault(key, deque(maxlen=40)).append(value)
        table.add_row(escape(key), escape(str(value)), sparkline(history[key]) if number else "")
    return table


def stage_mount():
    """build/mount: the folder that the board sees as its own (links into the clone)."""
    folder = BUILD / "mount"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {"batcher": FIRMWARE / "batcher", "boards": BOARDS, "lab.py": FIRMWARE / "lab.py"}
    for name, target in wanted.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return folder


def register(app: typer.Typer) -> None:
    @app.command()
    def devices() -> None:
        """The boards that are plugged in."""
        found = candidates()
        if not found:
            raise DeviceError("no board found: plug one in with a USB cable that carries data")
        table = Table("port", "USB", "what it says it is")
        for port in found:
            table.add_row(port.device, f"{port.vid:04x}:{port.pid:04x}", port.description or "")
        console.print(table)

    @app.command()
    def monitor(
        device: Annotated[str | None, DEVICE] = None,
        seconds: Annotated[float | None, typer.Option(help="stop after this long")] = None,
    ) -> None:
        """What a board reports, live: a table, and a sparkline of each number. Ctrl-C ends it."""
        history: dict = {}
        with open_port(choose(device)) as port, Live(console=console) as live:
            try:
                for line in lines_of(port, seconds):
                    report = report_of(line)
                    if report:
                        live.update(table_of(report, history))
                    elif line.strip():
                        live.console.print(line, markup=False)
            except KeyboardInterrupt:
                pass

    @app.command()
    def logs(
        device: Annotated[str | None, DEVICE] = None,
        seconds: Annotated[float | None, typer.Option(help="stop after this long")] = None,
    ) -> None:
        """What a board prints, as it is, with the time. Ctrl-C ends it; nothing is interrupted."""
        with open_port(choose(device)) as port:
            try:
                for line in lines_of(port, seconds):
                    print(time.strftime("%H:%M:%S"), line, flush=True)
            except KeyboardInterrupt:
                pass

    @app.command()
    def repl(
        device: Annotated[str | None, DEVICE] = None,
        mount: Annotated[
            str | None, typer.Option(help="a folder the board sees as its own; `firmware`: ours")
        ] = None,
        stay: Annotated[bool, typer.Option(help="stay in maintenance afterwards")] = False,
    ) -> None:
        """Python on the board, in maintenance: no watchdog ends a long session."""
        name = choose(device)
        with Device(name) as connected:
            maintain(connected, survey(connected))
        command = [program("mpremote"), "connect", name]
        if mount == "firmware":
            command += ["mount", "--unsafe-links", str(stage_mount()), "exec", "from lab import *"]
            console.print(
                "the lab: try  burst(100)   status()   unplug()   fill()   plug()   slow()"
            )
        elif mount:
            command += ["mount", os.fspath(mount)]
        console.print("Ctrl-] ends the session")
        subprocess.call([*command, "repl"])
        if stay:
            console.print("the board stays in maintenance: `batcher resume` starts the firmware")
            return
        with Device(name) as connected:
            leave(connected)
