"""The demo: collector <- failing network <- board, from start to verdict."""

import asyncio
import contextlib
import json
import time
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
    started: float = 0.0  # time.time() at the board's first report
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
        return time.time() - self.started if self.started else 0.0


def schedule(seconds: float) -> tuple[float, float, float]:
    """-> when the network goes, when it turns from refused to black hole, when it is back."""
    length = min(8.0, max(1.0, 0.3 * seconds))
    start = seconds / 3
    return start, start + length / 2, start + length


def config_for(seconds: float, url: str, board: str) -> dict:
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
            {"driver": "bme280", "bus": "i2c0", "address": 0x76, "every_ms": 100},
            {"driver": "bme280", "name": "attic", "bus": "i2c1", "address": 0x76, "every_ms": 100},
        ],
        "batcher": {"memory": 3072, "batch_size": 40, "interval_ms": 1000},
        "led": False,
        "report_ms": 250,
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
            tasks = []
            try:
                url = f"http://{board.host}:{proxy.port}/v1/batches"
                await board.start(config_for(seconds, url, board_name))
                ready = asyncio.Event()
                reader = asyncio.create_task(_read(board, demo, ready))
                tasks = [
                    reader,
                    asyncio.create_task(_fail(proxy, demo, ready)),
                    asyncio.create_task(_show(demo, show)),
                ]
                async with asyncio.timeout(seconds + GRACE_S + 10):
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
                demo.started = time.time() - report.get("t", 0) / 1000
                ready.set()
            report["at"] = demo.elapsed
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
        await asyncio.sleep(max(0, at - demo.elapsed))
        await proxy.set(fault)
        demo.network = name


async def _show(demo, show):
    while True:
        show(demo)
        await asyncio.sleep(0.1)
