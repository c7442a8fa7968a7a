"""Before anything is built: the configuration, checked against itself and against the board."""

from . import sensors
from .board import Board, load
from .config import check, fault
from .config import load as load_config

# Folders of these names would be imported in place of the firmware's.
_TAKEN = ("", "batcher", "boards", "sensors", "uplink")

# What a sensor's entry may say of each field of its driver.
_FIELDS = (
    ("limits", "list null 2 2\n  * int null -2147483646 2147483646"),
    ("band", "int null 1 2147483646"),
)


def preflight(faults: list, path: str, secrets: str) -> dict:
    """-> the configuration; nothing to build from where `faults` has got a line."""
    config = load_config(faults, path, secrets)
    if not faults:
        fit(config, faults)
        name = config["uplink"]["ca_file"]
        try:
            if name:
                open(name).close()
        except OSError:
            fault(faults, "uplink.ca_file", repr(name), "a file that is there")
    return config


def fit(config: dict, faults: list) -> None:
    """What no table of rules says; `batcher provision` asks it on a computer."""
    up = config["uplink"]
    if up["url"][4] == "s" and not up["ca_file"]:
        fault(faults, "uplink.ca_file", "nothing", "the CA's file, for TLS")
    board = data = None
    try:
        data = load("boards." + config["board"])
        board = Board(data, config["wifi"] is not None, False)
    except ImportError:
        fault(faults, "board", repr(config["board"]), "the name of a file in boards/")
    names = {}
    for i, entry in enumerate(config["sensors"]):
        where = "sensors[%d]" % i
        options = entry["options"]
        wrong = sensors.check(entry["driver"], options, data)
        for line in wrong:
            faults.append("%s: %s" % (where, line))
        if wrong:
            continue
        name = entry["name"] = entry["name"] or entry["driver"]
        if name in names:
            fault(faults, where + ".name", repr(name), "another than that of " + names[name])
        names[name] = where
        kind, value = sensors.part(entry["driver"], options)
        try:
            if board:
                board.part(kind, value, where)
        except ValueError as exc:
            faults.append(str(exc))
        fields = sensors.load(entry["driver"]).DRIVER.SCHEMA[1]
        for key, rule in _FIELDS:
            lines = ["* object null"]
            for field in fields:
                lines.append(" %s %s" % (field[0], rule))
            check(entry[key], faults, "\n".join(lines), "%s.%s" % (where, key))
        for key in ("band", "window_ms"):
            if entry[key]:
                place = "%s.%s" % (where, key)
                _alone(faults, place, config["duty"], "duty")  # it keeps all
                if key == "band":
                    _alone(faults, place, entry["window_ms"], "window_ms")
    spool = config["spool"]
    if spool:
        name = spool["path"]
        if name.replace("/batcher/", "").strip("./").split("/")[0] in _TAKEN:
            fault(faults, "spool.path", repr(name), "a folder of its own")
    if config["duty"]:
        _alone(faults, "duty", spool, "a spool")  # it keeps readings itself
    told = config["batcher"]
    spill = "spill" if spool else "drop_oldest"
    found = told["overflow"] = told["overflow"] or spill
    if (found == "spill") != (spill == "spill"):
        fault(faults, "batcher.overflow", repr(found), "'spill' with a spool, another without")


def _alone(faults, where, other, name):
    if other:
        fault(faults, where, "it beside " + name, "one of them")
