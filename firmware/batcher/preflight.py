"""Before anything is built: the configuration, checked against itself and against the board.

This module and those it needs are forgotten afterwards (`forget`): 12 KB that readings can use.
"""

import sys

from . import sensors
from .board import load, pin_faults
from .config import ConfigError, kind
from .config import load as load_config

_OWN = (
    "driver",
    "name",
    "every_ms",
    "limits",
    "band",
    "silence_ms",
    "window_ms",
)  # the rest of a sensor's entry is for its driver


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
        role, used = sensors.part(entry["driver"], options)
        if role == "i2c":
            buses.append(used)
        elif role != "temperature":
            pins.append((used, role, where))
        driver = sensors.load(entry["driver"])
        _fields(driver, entry, "limits", "[low, high]} with whole numbers or null", where, faults)
        _fields(driver, entry, "band", "change} with whole numbers from 1", where, faults)
        if entry["band"] and entry["window_ms"]:
            faults.append("%s.band: found beside window_ms, wanted one of them" % where)
        if config["duty"] and (entry["band"] or entry["window_ms"]):
            faults.append("%s: found a band or a window_ms, and duty, which keeps all" % where)
    if data is not None:
        faults.extend(pin_faults(data, pins, buses, config["wifi"] is not None))
    if config["batcher"]["overflow"] == "spill" and config["spool"] is None:
        faults.append('batcher.overflow: found "spill" and no "spool", wanted both')
    if config["duty"] and config["spool"]:
        faults.append("duty: found beside a spool, wanted one of them: it keeps readings itself")
    if faults:
        raise ConfigError(faults)
    return config


def _fields(driver, entry, key, wanted, where, faults):
    """Look at the `limits` or the `band` of a sensor."""
    found = entry[key]
    if found is None:
        return
    fields = [field[0] for field in driver.DRIVER.SCHEMA[1]]
    fit = isinstance(found, dict)
    for name in found if fit else ():
        value = found[name]
        if key == "band":
            fit = fit and name in fields and type(value) is int and 0 < value < 0x7FFFFFFF
            continue
        fit = fit and name in fields and isinstance(value, list) and len(value) == 2
        for bound in value if fit else ():
            fit = fit and (bound is None or (type(bound) is int and abs(bound) < 0x7FFFFFFF))
    if not fit:
        faults.append(
            "%s.%s: found %s, wanted {field: %s, of: %s"
            % (where, key, kind(found), wanted, ", ".join(fields))
        )


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
