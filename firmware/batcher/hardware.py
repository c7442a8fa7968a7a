"""Drivers, LED and watchdog of a checked configuration, built before anything else is loaded.

What builds them (the board, the drivers' options) is unloaded again: 10 KB that the firmware
does not need a second time, and that lie in one piece for what comes next.
"""

import gc
import sys


class Hardware:
    """`drivers`: [(driver, period in ms)]. `led`, `wdt`: or None. `held`: the safe mode's pin."""

    def __init__(self, config):
        from . import sensors
        from .board import Board, load

        name = "boards." + config["board"]
        data = load(name)
        board = Board(data, config["wifi"] is not None)
        pin = board.machine.Pin
        self.held = pin(data.HOLD, pin.IN, pin.PULL_UP).value() == 0
        self.drivers = []
        self.led = self.wdt = None
        self.led_active = data.LED_ACTIVE
        if self.held:
            return
        for entry in config["sensors"]:
            driver = sensors.create(entry["driver"], entry["options"], board)
            if entry["name"] != driver.schema.name:
                driver.schema = driver.schema.named(entry["name"])
            self.drivers.append((driver, entry["every_ms"]))
        if config["led"]:
            self.led = board.led()
        if config["watchdog"] and data.PORT != "unix":
            self.wdt = board.machine.WDT(timeout=data.WATCHDOG_MS)


def build(config) -> Hardware:
    """-> the hardware; board, sensors and the board's data are unloaded."""
    hardware = Hardware(config)
    package = sys.modules["batcher"].__dict__
    for name in ("hardware", "board", "sensors"):
        sys.modules.pop("batcher." + name, None)
        package.pop(name, None)
    sys.modules.pop("boards." + config["board"], None)
    gc.collect()
    return hardware
