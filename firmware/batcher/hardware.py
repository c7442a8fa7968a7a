"""Drivers and LED of a checked configuration, built before anything else is loaded.

What checks and builds them (the rules, the board, the drivers' options, this file) is unloaded
again: memory that the firmware does not need a second time, and that lies in one piece for what
comes next.
"""

import gc

from . import sensors, unload
from .board import Board, load
from .preflight import preflight
from .safemode import begin

_CAUSES = {
    "DEEPSLEEP": "deep sleep",
    "WDT": "watchdog",
    "PWRON": "power",
    "HARD": "HARD",
    "SOFT": "SOFT",
}


def prepare(path: str = "config.json", secrets: str = "secrets.json") -> "dict | None":
    """-> the configuration, or None where it is wrong: each fault of it is one line."""
    faults = []
    config = preflight(faults, path, secrets)
    for fault in faults:
        print("config:", fault)
    return None if faults else config


def build(config):
    """-> an object of plain attributes; board and sensors are unloaded.

    `reason`: why this has to be a safe start, or None; then only the LED is there. `drivers`:
    [(driver, period in ms, its limits or None, a filter or None)]. `led`: or None. `cause`: of
    the reset, as the port names it. `wires`: [(bus, its entry in the board's file)].
    """
    hardware = type("Hardware", (), {})()  # no code of this file hangs on it
    name = "boards." + config["board"]
    data = load(name)  # not kept: it is as large as a driver
    board = Board(data, config["wifi"] is not None)
    hardware.machine = machine = board.machine
    hardware.port = data.PORT
    hardware.rtc_bytes = data.RTC_MEMORY
    # What a board can wait at most is days on some; RP2's 8 s suffice for what this firmware does.
    ms = min(data.WATCHDOG_MS, 8388)
    hardware.watchdog_ms = ms if data.PORT != "unix" and config["watchdog"] else 0
    hardware.cause = cause = _cause(machine)
    pin = machine.Pin
    hardware.led_active = data.LED_ACTIVE
    led = data.LED if config["led"] else None
    hardware.led = led if led is None else pin(led, pin.OUT)
    hardware.held = held = pin(data.HOLD, pin.IN, pin.PULL_UP).value() == 0
    # Counted before anything is built: what hangs or raises below is a start that failed.
    # RP2 wakes by a reset that it calls a watchdog's: with duty, only power counts as a start.
    asleep = config["duty"] and cause in ("deep sleep", "watchdog")
    hardware.reason = begin(held, asleep)
    hardware.drivers = drivers = []
    for entry in () if hardware.reason else config["sensors"]:
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
    hardware.wires = wires = []
    for bus in board.buses:
        wires.append((board.buses[bus], data.I2C[bus]))
    unload("hardware", "safemode", "preflight", "config", "rules", "board", "sensors")
    unload(name, "boards")
    gc.collect()
    return hardware


def _cause(machine):
    """-> why the chip was reset, in words; RP2 says "watchdog" of machine.reset() too."""
    if not hasattr(machine, "reset_cause"):
        return "unknown"
    cause = machine.reset_cause()
    for name in _CAUSES:
        if getattr(machine, name + "_RESET", None) == cause:
            return _CAUSES[name]
    return "%s" % cause
