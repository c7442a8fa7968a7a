"""Drivers of chips and pins, one file each; only the one that is asked for is imported.

Rules: a driver's module has `DRIVER`, the class, and `OPTIONS`, what its configuration may say:
    OPTIONS = {"bus": ("i2c0", "i2c"), "address": (0x76, (0x76, 0x77)), ...}
name -> (default, what is allowed). Allowed is a tuple of values, a range of ints, a type, or
the name of a part of the board: "i2c" (a bus by its name), "pin", "pulse", "adc", "onewire" or
"dht" (a pin by its number), "temperature". The default REQUIRED has to be said. The options are
the class's keywords.
"""

REQUIRED = None

# The names that configuration may use: the files of this folder.
NAMES = (
    "ads1115",
    "aht20",
    "analog",
    "battery",
    "bh1750",
    "bme280",
    "bmp280",
    "core",
    "dht22",
    "ds18b20",
    "ina219",
    "mpu6050",
    "pulse",
    "scd4x",
    "sht3x",
    "sht4x",
    "veml7700",
)

# What the board makes for an option: from the name of a bus, from a pin, or from nothing.
PINS = ("pin", "pulse", "adc", "onewire", "dht")
PARTS = ("i2c", "temperature") + PINS


def load(name: str):
    """-> the module of the driver of that name; ValueError where there is none."""
    if name not in NAMES:
        raise ValueError("no driver %r; there are: %s" % (name, ", ".join(NAMES)))
    return getattr(__import__("batcher.sensors." + name).sensors, name)


def check(name: str, options: dict, board=None) -> list:
    """-> every fault of a configuration, one str each, an empty list where it is right.

    board: the data of the board (a module of boards/), to check buses and pins as well.
    """
    try:
        known = load(name).OPTIONS
    except ValueError as exc:
        return [str(exc)]
    faults = []
    for key in options:
        if key not in known:
            faults.append("%s: no option %r; there are: %s" % (name, key, ", ".join(sorted(known))))
    for key in sorted(known):
        default, allowed = known[key]
        value = options.get(key, default)
        if value is None:
            faults.append("%s: option %r is missing" % (name, key))
            continue
        fault = _fault(value, allowed, board)
        if fault:
            faults.append("%s: option %r: %s" % (name, key, fault))
    return faults


def _fault(value, allowed, board):
    if allowed in PARTS:
        if allowed == "i2c":
            if not isinstance(value, str):
                return "%r is not the name of a bus" % (value,)
            if board is not None and value not in board.I2C:
                return "the board has no bus %r; it has: %s" % (value, ", ".join(board.I2C))
        elif allowed in PINS and type(value) is not int:
            return "%r is not the number of a pin" % (value,)
    elif isinstance(allowed, type):
        if not isinstance(value, allowed):
            return "%r is not %s" % (value, allowed.__name__)
    elif isinstance(allowed, range):
        if type(value) is not int or value not in allowed:
            return "%r is not a whole number of %d to %d" % (value, allowed[0], allowed[-1])
    elif isinstance(value, bool) != isinstance(allowed[0], bool) or value not in allowed:
        return "%r is not one of %s" % (value, ", ".join([str(x) for x in allowed]))
    return None


def pins(name: str, options: dict) -> list:
    """-> [(pin, "pin", "pulse" or "adc")] that a driver would use, for the check of the board."""
    known = load(name).OPTIONS
    found = []
    for key in sorted(known):
        default, allowed = known[key]
        if allowed in PINS:
            role = "pin" if allowed in ("onewire", "dht") else allowed
            found.append((options.get(key, default), role))
    return found


def create(name: str, options: dict, board):
    """-> the driver, its buses and pins taken from `board` (a batcher.board.Board).

    Raises ValueError with every fault of the options. Touches no chip yet.
    """
    faults = check(name, options, board.data)
    if faults:
        raise ValueError("; ".join(faults))
    module = load(name)
    arguments = {}
    for key in module.OPTIONS:
        default, allowed = module.OPTIONS[key]
        value = options.get(key, default)
        if allowed in PARTS:
            value = board.part(allowed, value, name)
        arguments[key] = value
    return module.DRIVER(**arguments)
