"""The emulated Pico W as the demo's board: the real image, its Wi-Fi, chips on its own I2C."""

import asyncio

from ..pico import NoImage, Pico
from ..pico.installed import JOINED, installed

CHIPS = (0, 1)  # the buses with a BME280 each


class PicoBoard:
    """A board that lives in its own, slower time: `now()` is what its clock says."""

    name = "pico_w"
    title = "emulated Raspberry Pi Pico W, RP2040 at 125 MHz"
    host = "10.0.0.1"  # where the board finds this machine
    note = (
        "in slower time: the board is emulated instruction by instruction, a second of it takes "
        "about five here, and it needs most of a minute to join its Wi-Fi; times are the board's"
    )
    patience = 20  # seconds here for one of the board's, at most
    # Readings less often than the virtual board's: each costs an emulated millisecond.
    settings = {"every_ms": 250, "interval_ms": 1000, "report_ms": 500}

    def __init__(self, folder):
        self.folder = folder
        self._pico: Pico | None = None
        self._seconds = 0.0
        self._failed = False

    def now(self) -> float:
        return self._seconds

    async def start(self, config: dict) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        image = installed(self.folder / "filesystem", {**config, "wifi": JOINED})
        try:
            self._pico = await asyncio.to_thread(Pico, filesystem=image)
        except NoImage as exc:
            raise SystemExit(f"demo: {exc}")
        for bus in CHIPS:
            self._pico.chip("kit.chips.bme280:BME280(clock)", 0x76, bus)
            self._pico.chip_call("__import__('kit.weather').weather.attach(chip)", 0x76, bus)

    def _look(self, since: int) -> tuple[str, int]:
        text = self._pico.log(since)
        info = self._pico.info()
        self._seconds = info["microseconds"] / 1e6
        return text, since + len(text.encode())

    async def lines(self):
        """Each line of the console, until the firmware ends and the prompt appears."""
        held, seen = "", 0
        while ">>> " not in held:
            text, seen = await asyncio.to_thread(self._look, seen)
            held += text.replace("\r", "")
            *lines, held = held.split("\n")
            for line in lines:
                self._failed = self._failed or line.startswith("Traceback")
                if not line.startswith(("MicroPython v", 'Type "help()"')):
                    yield line
            await asyncio.sleep(0.1)

    async def stop(self) -> int | None:
        """Switch it off; -> 1 where its firmware ended with a traceback, else 0."""
        if self._pico is not None:
            await asyncio.to_thread(self._pico.close)
        return int(self._failed)
