"""Drivers and LED of a checked configuration, built before anything else is loaded.

What builds them (the board, the drivers' options, this file) is unloaded again: 10 KB that the
firmware does not need a second time, and that lie in one piece for what comes next.
"""

import gc
import sys

from .board import Board, load
from .safemode import Starts

_WAKES = ("deep sleep", "watchdog")


def build(config):
    """-> an object of plain attributes; board and sensors are unloaded.

    `reason`: why this has to be a safe start, or None; then only the LED is there. `drivers`:
    [(driver, period in ms, its limits or None, a filter or None)]. `led`: or None. `cause`: of
    the reset, as the port names it. `starts`: to be told of the first delivery. `buses`: by name.
    """
    hardware = type("Hardware", (), {})()  # no code of this file hangs on it
    hardware.board = "boards." + config["board"]
    data = load(hardware.board)  # not kept: it is as large as a driver
    hardware.wifi = config["wifi"] is not None
    board = Board(data, hardware.wifi)
    hardware.machine = machine = board.machine
    hardware.port = data.PORT
    hardware.rtc_bytes = data.RTC_MEMORY
    hardware.watchdog_ms = data.WATCHDOG_MS if data.PORT != "unix" and config["watchdog"] else 0
    hardware.cause = cause = _cause(machine)
    hardware.led_active = data.LED_ACTIVE
    hardware.led = board.led() if config["led"] else None
    hardware.starts = starts = Starts()
    pin = machine.Pin
    hardware.held = held = pin(data.HOLD, pin.IN, pin.PULL_UP).value() == 0
    # Counted before anything is built: what hangs or raises below is a start that failed.
    # RP2 wakes by a reset that it calls a watchdog's: with duty, only power counts as a start.
    hardware.reason = starts.begin(held, bool(config["duty"]) and cause in _WAKES)
    hardware.drivers = drivers = []
    hardware.buses = board._buses
    if not hardware.reason:
        from . import sensors

        for entry in config["sensors"]:
            driver = sensors.create(entry["driver"], entry["options"], board)
            if entry["name"] != driver.schema.name:
                driver.schema = driver.schema.named(entry["name"])
            filter = None
            if entry["band"]:
                from .filters import DeadBand

                filter = DeadBand(driver.schema, entry["band"], entry["silence_ms"])
            elif entry["window_ms"]:
                from .filters import Window

                filter = Window(driver.schema, entry["window_ms"])
            drivers.append((driver, entry["every_ms"], entry["limits"], filter))
    package = sys.modules["batcher"].__dict__
    for name in ("hardware", "board", "sensors"):
        sys.modules.pop("batcher." + name, None)
        package.pop(name, None)
    sys.modules.pop(hardware.board, None)
    gc.collect()
    return hardware


def _cause(machine):
    """-> why the chip was reset, in words; RP2 says "watchdog" of machine.reset() too."""
    if not hasattr(machine, "reset_cause"):
        return "unknown"
    cause = machine.reset_cause()
    for name in ("DEEPSLEEP", "WDT", "PWRON", "HARD", "SOFT"):
        if getattr(machine, name + "_RESET", None) == cause:
            return {"DEEPSLEEP": "deep sleep", "WDT": "watchdog", "PWRON": "power"}.get(name, name)
    return "%s" % cause
