"""The demo: collector <- failing network <- board, from start to verdict."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .. import proxy as faults
from ..collect.server import CollectorThread
from .account import Verdict, judge
from .boards import BOARDS

GRACE_S = 20  # after sampling ends: for the rest to be sent


@dataclass
class Demo:
    """What is known so far; the display and the page read it."""

    seconds: float
    board: str
    title: str = ""
    now: Callable[[], float] = time.time  # the board's clock: an emulated one is slower
    started: float = 0.0  # what it said when the firmware started
    network: str = "up"
    outage: tuple[float, float] = (0.0, 0.0)  # seconds since the start
    hole: float = 0.0  # when "refused" turned into "black hole"
    reports: list[dict] = field(default_factory=list)
    console: list[str] = field(default_factory=list)  # lines that are no reports
    rows: list[dict] = field(default_factory=list)
    repeats: int = 0
    verdict: Verdict | None = None
    exit_code: int | None = None
    took: float = 0.0

    @property
    def last(self) -> dict:
        return self.reports[-1] if self.reports else {}

    @property
    def elapsed(self) -> float:
        return self.now() - self.started if self.started else 0.0

    def when(self, wall: float) -> float:
        """Seconds since the start, by the board's clock, at this machine's time `wall`."""
        after = next((r for r in self.reports if r["wall"] >= wall), self.last)
        return after["at"] - max(0.0, after["wall"] - wall) * self.rate if after else 0.0

    @property
    def rate(self) -> float:
        """The board's seconds in one of ours: 1, or less where it is emulated."""
        first, last = (self.reports or [{"at": 0.0, "wall": 0.0}])[0], self.last
        if not last or last["wall"] <= first["wall"] or self.now is time.time:
            return 1.0
        return (last["at"] - first["at"]) / (last["wall"] - first["wall"])


def schedule(seconds: float) -> tuple[float, float, float]:
    """-> when the network goes, when it turns from refused to black hole, when it is back."""
    length = min(8.0, max(1.0, 0.3 * seconds))
    start = seconds / 3
    return start, start + length / 2, start + length


def config_for(seconds: float, url: str, board: str, settings: dict) -> dict:
    sensor = {"driver": "bme280", "address": 0x76, "every_ms": settings["every_ms"]}
    return {
        "_note": "written by `batcher demo`",
        "device": "demo",
        "board": board,
        "uplink": {
            "url": url,
            "deadline_ms": 1500,
            "retry_first_ms": 250,
            "retry_most_ms": 1500,
        },
        "sensors": [
            {**sensor, "bus": "i2c0"},
            {**sensor, "bus": "i2c1", "name": "attic"},
        ],
        "batcher": {"memory": 3072, "batch_size": 40, "interval_ms": settings["interval_ms"]},
        "led": False,
        "report_ms": settings["report_ms"],
        "run_ms": round(seconds * 1000),
    }


async def run(seconds: float, board_name: str, folder: Path, show) -> Demo:
    """Run it all; `show(demo)` is called often. Cancelled, it ends everything it started."""
    make = BOARDS[board_name]
    demo = Demo(seconds, board_name, make.title)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("readings.db*"):
        old.unlink()
    began = time.monotonic()
    with CollectorThread(folder / "readings.db") as collector:
        async with faults.Proxy(collector.port) as proxy:
            board = make(folder / "board")
            demo.now = board.now
            tasks = []
            try:
                url = f"http://{board.host}:{proxy.port}/v1/batches"
                await board.start(config_for(seconds, url, board_name, board.settings))
                ready = asyncio.Event()
                reader = asyncio.create_task(_read(board, demo, ready))
                tasks = [
                    reader,
                    asyncio.create_task(_fail(proxy, demo, ready)),
                    asyncio.create_task(_show(demo, show)),
                ]
                async with asyncio.timeout((seconds + GRACE_S + 10) * board.patience):
                    await reader
            except TimeoutError:
                demo.console.append("demo: the board did not end in time")
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                demo.exit_code = await board.stop()
        demo.took = time.monotonic() - began
        demo.rows = collector.rows()
        demo.repeats = collector.repeats()
    demo.network = "up"
    (folder / "board.log").write_text("\n".join(demo.console) + "\n")
    demo.verdict = judge(demo.rows, demo.reports, demo.outage)
    return demo


async def _read(board, demo, ready):
    async for line in board.lines():
        report = None
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                report = json.loads(line)
        if isinstance(report, dict) and "sampled" in report:
            if not demo.started:
                demo.started = demo.now() - report.get("t", 0) / 1000
                ready.set()
            report["at"], report["wall"] = demo.elapsed, time.time()
            demo.reports.append(report)
        else:
            demo.console.append(line)


async def _fail(proxy, demo, ready):
    """The network goes away a third of the way in: first refused, then a black hole."""
    await ready.wait()
    start, hole, end = schedule(demo.seconds)
    demo.outage, demo.hole = (start, end), hole
    for at, name, fault in (
        (start, "refused", faults.REFUSE),
        (hole, "black hole", faults.BLACK_HOLE),
        (end, "up", faults.PASS),
    ):
        while (left := at - demo.elapsed) > 0:
            await asyncio.sleep(min(left, 0.2))
        await proxy.set(fault)
        demo.network = name


async def _show(demo, show):
    while True:
        show(demo)
        await asyncio.sleep(0.1)
