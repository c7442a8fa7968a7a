"""Wiring and nothing else: configuration -> board -> sensors -> batcher -> uplink.

What is wired is said in config.json; which pins, in the board's file. The same main.py runs
on every board.
"""

import gc
import sys

from batcher.port import asyncio


def main() -> int:
    """-> 0, or 1 where the configuration is wrong."""
    gc.threshold(4096)  # collect often while modules are loaded, or they leave holes
    from batcher.hardware import build, prepare

    config = prepare()
    if config is None:
        return 1
    hardware = build(config)
    del build, prepare
    gc.collect()
    if hardware.reason:  # safe mode: Ctrl-C ends it and leaves the REPL
        from batcher.rest import rest

        asyncio.run(rest(hardware, config["run_ms"]))
        return 0
    if config["duty"]:
        from batcher.duty import Duty

        asyncio.run(Duty(config, hardware).run())  # ends in deep sleep, where there is one
        return 0
    from batcher.station import Station

    station = Station(config, hardware)
    config = None  # nobody needs it again
    try:
        asyncio.run(station.run())
    except BaseException as exc:  # Ctrl-C too: whoever comes next wants to know
        station.ended(exc)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
