"""Wiring and nothing else: configuration -> board -> sensors -> batcher -> uplink.

What is wired is said in config.json; which pins, in the board's file. The same main.py runs
on every board.
"""

import gc
import sys

from batcher.port import asyncio


def prepare():
    """-> the configuration, or None where it is wrong: each fault of it is one line."""
    from batcher.config import ConfigError
    from batcher.preflight import forget, preflight

    try:
        config = preflight()
    except ConfigError as exc:
        for fault in exc.faults:
            print("config:", fault)
        return None
    forget()
    return config


def main() -> int:
    """-> 0, or 1 where the configuration is wrong."""
    gc.threshold(4096)  # collect often while modules are loaded, or they leave holes
    config = prepare()
    if config is None:
        return 1
    from batcher.hardware import build

    hardware = build(config)
    del build
    gc.collect()
    from batcher.safemode import Starts

    starts = Starts()
    reason = starts.begin(hardware.held)
    if reason:
        print("safe mode:", reason)
        return 0  # the REPL is free: mend what is wrong, then reset
    from batcher.station import Station

    station = Station(config, hardware, starts)
    config = None  # nobody needs it again
    try:
        asyncio.run(station.run())
    finally:
        station.power_is_going()
        station.log.save("last.log")  # batcher.logring.previous("last.log") reads it
    return 0


if __name__ == "__main__":
    sys.exit(main())
