"""Drivers of chips and pins, one file each; only the one that is asked for is imported.

Rules: a driver's module has `DRIVER`, the class; what configuration may say is in its PART and
OPTIONS (driver.py). PART is (option, what the board makes of it): "i2c" (a bus by its name),
"pin", "pulse", "adc", "onewire" or "dht" (a pin by its number), or "temperature" (no option).
"""

# The names that configuration may use: the files of this folder.
NAMES = (
    "ads1115 aht20 analog battery bh1750 bme280 bmp280 core dht22 ds18b20 ina219 mpu6050"
    " pulse scd4x sht3x sht4x veml7700"
)


def load(name: str):
    """-> the module of the driver of that name; ValueError where there is none."""
    if name not in NAMES.split():
        raise ValueError("no driver %r; there are: %s" % (name, NAMES))
    return getattr(__import__("batcher.sensors." + name).sensors, name)


def part(name: str, options: dict) -> tuple:
    """-> (kind, value) of what the driver takes of the board: ("i2c", name), ("adc", pin) ..."""
    option, kind = load(name).DRIVER.PART
    return kind, options.get(option, "i2c0" if kind == "i2c" else None)


def check(name: str, options: dict, board=None) -> list:
    """-> every fault of a configuration, one str each, an empty list where it is right.

    board: the data of the board (a module of boards/), to check buses as well.
    """
    try:
        kind, value = part(name, options)
    except ValueError as exc:
        return [str(exc)]
    driver = load(name).DRIVER
    key = driver.PART[0]
    known = [key]
    left = dict(options)
    left.pop(key, None)
    fault = None
    if kind == "i2c":
        if type(value) is not str or board is not None and value not in board.I2C:
            fault = "the board has no bus %r; it has: %s" % (value, ", ".join(board.I2C))
    elif kind != "temperature" and type(value) is not int:
        fault = "%r is not the number of a pin" % (value,)
    faults = [(key, fault)]
    for option in driver.OPTIONS:
        key = option[0]
        known.append(key)
        if key in left:
            faults.append((key, _fault(left.pop(key), option[1:])))
    for key in left:
        faults.append((key, "there is none; there are: %s" % ", ".join(known)))
    return ["%s: option %r: %s" % (name, key, fault) for key, fault in faults if fault]


def _fault(value, allowed):
    """allowed: (default, more choices ...), (default, lowest, ..., highest) or ("text",)."""
    kind = type(allowed[0])
    if ... in allowed:
        if type(value) is int and allowed[1] <= value <= allowed[3]:
            return None
        return "%r is not a whole number of %d to %d" % (value, allowed[1], allowed[3])
    if type(value) is kind and (value in allowed or kind is str and len(allowed) == 1):
        return None
    return "%r is not one of %s" % (value, ", ".join([str(x) for x in sorted(allowed)]))


def create(name: str, options: dict, board):
    """-> the driver, its bus or pin taken from `board` (a batcher.board.Board).

    Raises ValueError with every fault of the options. Touches no chip yet.
    """
    faults = check(name, options, board.data)
    if faults:
        raise ValueError("; ".join(faults))
    driver = load(name).DRIVER
    options = dict(options)
    kind, value = part(name, options)
    options.pop(driver.PART[0], None)
    return driver(board.part(kind, value, name), **options)
