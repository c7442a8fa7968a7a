"""Start an emulated Pico W and talk to it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..paths import FIRMWARE, HOST_TESTS, ROOT
from .image import find_image


class PicoError(Exception):
    """The emulated board, or code run on it, failed; the message is what it said."""


class Pico:
    """One emulated board, in a process of its own. Close it, or use it as a context manager.

    wifi=False leaves the Wi-Fi chip off (the board boots the same). filesystem is a littlefs
    image of 848 KB, image a UF2 file (else what find_image() finds). speed 1 ties sleeps to the
    wall clock, which a network needs; None lets them pass at once. Raises NoImage.
    """

    def __init__(
        self, *, wifi=True, filesystem=None, image=None, speed=1, timeout=30, _control=None
    ) -> None:
        self.folder = tempfile.mkdtemp(prefix="pico-")
        self._held = b""
        self._process = None
        if _control is None:
            path = os.path.join(self.folder, "control")
            options = {
                "image": str(image or find_image()),
                "socket": path,
                "wifi": wifi,
                "filesystem": str(filesystem) if filesystem else None,
                "speed": speed,
                "path": [str(HOST_TESTS), str(FIRMWARE), str(ROOT)],
            }
            self._process = subprocess.Popen(
                [sys.executable, "-m", "batcher_tools.pico.process", json.dumps(options)]
            )
            _control = self._connect(path, timeout)
        self._control = _control
        self._control.settimeout(timeout)
        self.port = self.info()["port"]

    def _connect(self, path: str, timeout: float) -> socket.socket:
        """Connect to a board's control socket, which its process makes when it is up."""
        deadline = time.monotonic() + timeout
        while True:
            control = socket.socket(socket.AF_UNIX)
            try:
                control.connect(path)
                return control
            except OSError:
                control.close()
                if self._process and self._process.poll() is not None:
                    raise PicoError(f"the board's process ended: {self._process.returncode}")
                if time.monotonic() > deadline:
                    raise PicoError("the board's process does not answer")
                time.sleep(0.01)

    def request(self, do: str, **arguments):
        """One request of process.py's `do_...`."""
        try:
            self._control.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            while b"\n" not in self._held:
                piece = self._control.recv(65536)
                if not piece:
                    raise ConnectionResetError
                self._held += piece
        except ConnectionError:
            raise PicoError("the board's process has ended")
        line, _, self._held = self._held.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise PicoError(answer["trace"])
        return answer["result"]

    @property
    def url(self) -> str:
        """What mpremote and `batcher` take as the device."""
        return f"socket://127.0.0.1:{self.port}"

    def info(self) -> dict:
        return self.request("info")

    def network(self) -> dict:
        return self.request("network")

    def link(self, mode: str) -> None:
        """up, down, blackhole or refused."""
        self.request("link", mode=mode)

    def speed(self, speed: float | None) -> None:
        self.request("speed", speed=speed)

    def chip(self, what: str, address: int, bus: int = 0) -> None:
        """Put an emulated chip on a bus: "kit.chips.bme280:BME280()", or "" to take it off."""
        self.request("chip", bus=bus, address=address, what=what)

    def chip_call(self, expression: str, address: int, bus: int = 0):
        """Evaluate an expression in which `chip` is that chip."""
        return self.request("chip_call", bus=bus, address=address, expression=expression)

    def pulses(self, pin: int, count: int, half_us: int = 50) -> None:
        """Pulse an input from outside; returns at once, they come in the board's own time."""
        self.request("pulses", pin=pin, count=count, half_us=half_us)

    def reset(self, cause: str = "run_pin") -> None:
        """power, run_pin or watchdog; returns at once, the board boots."""
        self.request("reset", cause=cause)

    def cut_power_after(self, operations: int, torn: bool = False) -> None:
        """Cut the power in the flash erase or page program after the next `operations` ones."""
        self.request("cut", operations=operations, torn=torn)

    def log(self, since: int = 0) -> str:
        return self.request("log", since=since)

    def type(self, text: str) -> None:
        self.request("type", text=text)

    def wait_for(self, *texts: str, timeout: float = 30, since: int = 0) -> str:
        """Wait until the board has printed one of `texts` -> what it printed up to now."""
        deadline = time.monotonic() + timeout
        while not any(text in (log := self.log(since)) for text in texts):
            if time.monotonic() > deadline:
                raise PicoError(f"the board did not print {texts!r} in {timeout} s:\n{log}")
            time.sleep(0.02)
        return log

    def dump(self, path: Path) -> None:
        """Write the board's file system to `path`, a littlefs image."""
        self.request("dump", path=str(path))

    def fork(self) -> "Pico":
        """A second board in the very same state; open network connections are cut in both."""
        path = os.path.join(self.folder, f"fork-{time.monotonic_ns()}")
        self.request("fork", path=path)
        return Pico(_control=self._connect(path, 30))

    def run(self, code: str, timeout: float = 180) -> str:
        """Run code in the board's raw REPL -> what it printed. PicoError with its traceback."""
        from ..device import Device, DeviceError

        try:
            with Device(self.url) as device:
                return device.run(code, timeout=timeout)
        except DeviceError as exc:
            raise PicoError(str(exc))

    def close(self) -> None:
        self._control.close()
        if self._process is not None:
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def __enter__(self) -> "Pico":
        return self

    def __exit__(self, *_) -> None:
        self.close()
