"""`batcher deploy`: the firmware onto a board, only what changed, and never half of it."""

import time
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from .artifacts import Artifact, build, target_of
from .board import FLAG, LAUNCHER, ONBOARD, Survey, dotted, leave, maintain, restart, survey
from .compile import MPY
from .device import Device, DeviceError, choose
from .frozen.command import fingerprint
from .paths import BOARDS
from .transfer import NEW, READY, script, send, switch

RECORD = "batcher/deployed"  # the hash of every file of the last deploy
KEPT = "/main.old.py"  # a main.py that was on the board before ours
# On the board: rename its own main.py, over nothing, and say how it is called now.
KEEP = f"""
import os
name = "{KEPT}"
while name[1:] in os.listdir("/"):
    name = name[:-3] + "_.py"
os.rename("{LAUNCHER}", name)
print(name)
"""
console = Console()


@dataclass
class Report:
    """What a deploy did."""

    board: str
    files: int  # that the firmware has
    copied: int
    copied_bytes: int
    removed: int
    seconds: float


def board_names() -> list[str]:
    """The boards there are data files for, without the virtual one."""
    known = [path.stem for path in BOARDS.glob("*.py")]
    return sorted(name for name in known if name not in ("__init__", "manifest", "virtual"))


def board_for(machine: str) -> str:
    """A board's name from what MicroPython says it runs on ("Raspberry Pi Pico W with RP2040")."""
    best = ""
    for text in machine.lower().split(" with "):
        plain = "".join(letter for letter in text if letter.isalnum())
        for name in board_names():
            if plain.endswith(name.replace("_", "")) and len(name) > len(best):
                best = name
    if not best:
        raise DeviceError(
            f"no board file for {machine!r}: say --board with one of {', '.join(board_names())}"
        )
    return best


def check_board(board: str) -> None:
    """DeviceError where there is no such board file."""
    if board not in board_names():
        raise DeviceError(f"no board {board!r}: one of {', '.join(board_names())}")


def blocks_needed(files: list[Artifact], block: int) -> int:
    """Flash blocks that the new files take beside the old ones, with some for folders."""
    return sum(-(-len(file.data) // block) for file in files) + 6


def compiled_for(seen: Survey, board: str, source: bool) -> list[Artifact]:
    """The firmware's files for that board."""
    version, architecture = target_of(seen.mpy)
    if not source and version != MPY:
        raise DeviceError(
            f"the board's .mpy version is {dotted(version)}, this mpy-cross writes {dotted(MPY)}: "
            "use --source, or another MicroPython"
        )
    files = build(board, architecture, source=source)
    if seen.frozen and seen.frozen == fingerprint(files):
        files = []  # what the image has runs from flash, and takes no heap
    files.append(Artifact(LAUNCHER[1:], (ONBOARD / "launcher.py").read_bytes()))
    record = "".join(f"{file.hash} /{file.path}\n" for file in files)
    return [*files, Artifact(RECORD, record.encode())]


def ours(path: str, seen: Survey) -> bool:
    """Is this file code that a deploy put there (and may remove)? Data and settings are not."""
    code = path.startswith("/batcher/") and path.endswith((".py", ".mpy"))
    return code and (path in seen.record or not seen.record)


def deploy(
    device: Device,
    board: str | None = None,
    *,
    source: bool = False,
    verify: bool = False,
    tell=None,
    progress=None,
) -> Report:
    """Bring the board's firmware to what is here, and start it. DeviceError in one line.

    tell(text) is called before each step, progress(done, total) in bytes during the transfer.
    """
    started = time.monotonic()
    tell = tell or (lambda text: None)
    tell("looking at the board")
    seen = survey(device, verify)
    if READY in seen.files and not verify:  # a switch that was interrupted: who knows how far
        seen = survey(device, True)
        for line in device.run(f"with open('{READY}') as f: print(f.read())").splitlines():
            seen.record.setdefault(line.partition(" ")[2], "-")  # what it was about to put there
    board = board or board_for(seen.machine)
    check_board(board)
    tell(f"compiling for {board}")
    files = compiled_for(seen, board, source)
    changed = [f for f in files[:-1] if not seen.has(f"/{f.path}", f.data, f.hash)]
    wanted = {f"/{file.path}" for file in files}
    stale = [path for path in seen.files if ours(path, seen) and path not in wanted]
    if not changed and not stale and READY not in seen.files:
        if seen.running or FLAG in seen.files:
            leave(device)
        return Report(board, len(files), 0, 0, 0, time.monotonic() - started)

    # What an interrupted transfer has left is used where it is right.
    changed.append(files[-1])
    missing = [f for f in changed if not seen.has(f"{NEW}/{f.path}", f.data, f.hash)]
    needed = blocks_needed(missing, seen.block)
    if needed > seen.free:
        raise DeviceError(
            f"not enough flash: the new files need {needed * seen.block // 1024} KB beside the "
            f"old ones, {seen.free * seen.block // 1024} KB are free; `batcher undeploy` makes room"
        )
    if maintain(device, seen):
        tell("the board is in maintenance")
    total = sum(len(file.data) for file in missing)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(done, total)

    tell(f"copying {len(missing)} files, {total / 1024:.1f} KB")
    send(device, [Artifact(f"{NEW}/{file.path}", file.data) for file in missing], advance)
    if LAUNCHER in seen.files and not seen.launcher:
        name = device.run(KEEP).strip()
        tell(f"the board's own {LAUNCHER} is kept as {name}")
    tell("switching to them")
    switch(device, [file.path for file in changed], stale, lambda path: tell(f"switching {path}"))
    tell("starting the firmware")
    leave(device)
    return Report(board, len(files), len(changed), total, len(stale), time.monotonic() - started)


def undeploy(device: Device, everything: bool = False) -> int:
    """Take the firmware off -> files removed. Settings and stored readings stay, or not."""
    seen = survey(device)
    maintain(device, seen)
    paths = [path for path in seen.files if ours(path, seen)] + [NEW, FLAG, f"/{RECORD}"]
    if seen.launcher:
        paths.append(LAUNCHER)
    if everything:
        paths.append("/batcher")
    device.run(
        script("launcher.py") + f"for path in {paths!r}:\n    remove(path)\n    print(path)\n"
    )
    device.run(
        f"if exists('{KEPT}') and not exists('{LAUNCHER}'): os.rename('{KEPT}', '{LAUNCHER}')\n"
        "for name in ('/batcher/sensors', '/batcher/uplink', '/batcher/boards', '/batcher'):\n"
        "    try: os.rmdir(name)\n"
        "    except OSError: pass\n"
    )
    restart(device, wait=False)
    return sum(1 for path in seen.files if ours(path, seen) or seen.launcher and path == LAUNCHER)


DEVICE = typer.Argument(help="its port, such as /dev/ttyACM0; may be left out if there is one")


def register(app: typer.Typer) -> None:
    @app.command("deploy")
    def command(
        device: Annotated[str | None, DEVICE] = None,
        board: Annotated[
            str | None, typer.Option(help="a name from boards/; else what the board says it is")
        ] = None,
        source: Annotated[bool, typer.Option(help="copy .py files, not compiled ones")] = False,
        verify: Annotated[bool, typer.Option(help="read every file on the board")] = False,
    ) -> None:
        """Put the firmware on a board: compiled, only what changed, never half of it."""
        if board:
            check_board(board)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
        )
        with Device(choose(device)) as connected, Progress(*columns, console=console) as bar:
            task = bar.add_task("deploy", total=None)
            report = deploy(
                connected,
                board,
                source=source,
                verify=verify,
                tell=lambda text: bar.update(task, description=text),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
            bar.update(task, description="done", total=1, completed=1)
        if report.copied or report.removed:
            console.print(
                f"{report.board}: {report.copied} of {report.files} files copied "
                f"({report.copied_bytes / 1024:.1f} KB), {report.removed} removed, "
                f"{report.seconds:.1f} s"
            )
        else:
            console.print(f"{report.board}: all {report.files} files are as they should be")
        console.print("the firmware starts now; `batcher monitor` shows what it reports")

    @app.command("undeploy")
    def undeploy_command(
        device: Annotated[str | None, DEVICE] = None,
        everything: Annotated[
            bool, typer.Option("--everything", help="settings and stored readings too")
        ] = False,
    ) -> None:
        """Take the firmware off a board; settings and stored readings stay."""
        with Device(choose(device)) as connected:
            count = undeploy(connected, everything)
        console.print(f"{count} files removed")

    @app.command()
    def resume(device: Annotated[str | None, DEVICE] = None) -> None:
        """Leave maintenance: reset the board, and let its firmware start."""
        with Device(choose(device)) as connected:
            leave(connected)
        console.print("the board was reset, its firmware starts")
