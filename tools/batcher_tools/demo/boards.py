"""The board of the demo as a process: it gets a configuration, and its console is read."""

import asyncio
import json
import os
import shutil
import time
from pathlib import Path

from ..compile import compile_file, compile_firmware, compile_tree, fresh
from ..paths import BOARDS as BOARD_FILES
from ..paths import FIRMWARE, HOST_TESTS, program
from .chips import Chips
from .pico_board import PicoBoard


class VirtualBoard:
    """MicroPython's unix port with a small heap running firmware/main.py on emulated chips.

    Its folder is laid out as a board's file system: main.py as it is, the modules as .mpy.
    """

    name = "virtual"
    title = "MicroPython unix port, 128 KB heap"
    heap = "128k"
    host = "127.0.0.1"  # where the board finds this machine
    note = ""
    patience = 1  # it keeps this machine's time
    settings = {"every_ms": 100, "interval_ms": 1000, "report_ms": 250}
    now = staticmethod(time.time)

    def __init__(self, folder: Path):
        self.folder = folder
        self.chips = Chips()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, config: dict) -> None:
        self.chips.__enter__()
        lib = fresh(self.folder) / "lib"
        compile_firmware(lib / "batcher")
        compile_tree(BOARD_FILES, lib / "boards")
        (lib / "kit").mkdir()  # the emulation's own part of the heap: a bus to the chips
        compile_file(HOST_TESTS / "kit/remote.py", lib / "kit/machine.mpy", "kit/machine.py")
        shutil.copy(FIRMWARE / "main.py", self.folder)
        (self.folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        self._process = await asyncio.create_subprocess_exec(
            program("micropython"),
            "-X",
            f"heapsize={self.heap}",
            "main.py",
            cwd=self.folder,
            env=dict(os.environ, MICROPYPATH="lib:.frozen", BATCHER_CHIPS=str(self.chips.port)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends the board
        )

    async def lines(self):
        """Each line of the console, until the board ends."""
        while line := await self._process.stdout.readline():
            yield line.decode(errors="replace").rstrip()

    async def stop(self) -> int | None:
        """End it if it has not ended; -> its exit code."""
        self.chips.__exit__()
        process = self._process
        if process is None:
            return None
        if process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), 1)
            except TimeoutError:
                process.kill()
                await process.wait()
        return process.returncode


BOARDS: dict[str, type] = {"virtual": VirtualBoard, "pico_w": PicoBoard}
