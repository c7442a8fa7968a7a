"""Before anything is built: the configuration, checked against itself and against the board.

This module and those it needs are forgotten afterwards (`forget`): 12 KB that readings can use.
"""

import sys

from . import sensors
from .board import load, pin_faults
from .config import ConfigError, kind
from .config import load as load_config

_OWN = ("driver", "name", "every_ms", "limits")  # the rest of a sensor's entry is for its driver


def preflight(path: str = "config.json", secrets: str = "secrets.json") -> dict:
    """-> the configuration, each sensor's own options under "options". Raises ConfigError."""
    config = load_config(path, secrets)
    faults = []
    data = _board(config["board"], faults)
    names = {}
    pins = []
    buses = []
    for i, entry in enumerate(config["sensors"]):
        options = entry["options"] = {}
        for key in list(entry):
            if key != "options" and key not in _OWN:
                options[key] = entry.pop(key)
        where = "sensors[%d]" % i
        found = sensors.check(entry["driver"], options, data)
        for fault in found:
            faults.append("%s: %s" % (where, fault))
        if found:
            continue
        name = entry["name"] = entry["name"] or entry["driver"]
        if name in names:
            faults.append(
                "%s.name: found %r, wanted another than that of sensors[%d]"
                % (where, name, names[name])
            )
        names.setdefault(name, i)
        for pin, role in sensors.pins(entry["driver"], options):
            pins.append((pin, role, where))
        driver = sensors.load(entry["driver"])
        if "bus" in driver.OPTIONS:
            buses.append(options.get("bus", "i2c0"))
        _limits(driver, entry["limits"], where, faults)
    if data is not None:
        faults.extend(pin_faults(data, pins, buses, config["wifi"] is not None))
    if config["batcher"]["overflow"] == "spill" and config["spool"] is None:
        faults.append('batcher.overflow: found "spill" and no "spool", wanted both')
    if config["duty"] and config["spool"]:
        faults.append("duty: found beside a spool, wanted one of them: it keeps readings itself")
    if faults:
        raise ConfigError(faults)
    return config


def _limits(driver, limits, where, faults):
    if limits is None:
        return
    fields = [field.name for field in driver.DRIVER.SCHEMA.fields]
    wanted = "%s.limits: found %s, wanted {field: [low, high]} with whole numbers or null, of: %s"
    fit = isinstance(limits, dict)
    for name in limits if fit else ():
        pair = limits[name]
        fit = fit and name in fields and isinstance(pair, list) and len(pair) == 2
        for value in pair if fit else ():
            fit = fit and (value is None or (type(value) is int and abs(value) < 0x7FFFFFFF))
    if not fit:
        faults.append(wanted % (where, kind(limits), ", ".join(fields)))


def _board(name, faults):
    try:
        return load("boards." + name)
    except ImportError:
        faults.append("board: found %r, wanted the name of a file in boards/" % name)
        return None


def forget() -> None:
    """Unload what only preflight needed."""
    package = sys.modules["batcher"]
    for name in ("preflight", "config", "rules"):
        sys.modules.pop("batcher." + name, None)
        if name in package.__dict__:  # hasattr would import it again
            delattr(package, name)
