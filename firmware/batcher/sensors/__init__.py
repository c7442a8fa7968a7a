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
    faults = []
    try:
        kind, value = part(name, options)
        if kind == "i2c":
            if type(value) is not str or board is not None and value not in board.I2C:
                buses = board.I2C if board else ()
                faults.append("no bus %r; there are: %s" % (value, ", ".join(buses)))
        elif kind != "temperature" and type(value) is not int:
            faults.append("%r is not the number of a pin" % (value,))
        _make(name, options, None)
    except (ValueError, TypeError) as exc:
        faults.extend(exc.args)
    return faults


def _make(name, options, value):
    driver = load(name).DRIVER
    options = dict(options)
    options.pop(driver.PART[0], None)
    return driver(value, **options)


def create(name: str, options: dict, board):
    """-> the driver, its bus or pin taken from `board` (a batcher.board.Board).

    Raises ValueError with every fault of the options. Touches no chip yet.
    """
    faults = check(name, options, board.data)
    if faults:
        raise ValueError("; ".join(faults))
    kind, value = part(name, options)
    return _make(name, options, board.part(kind, value, name))
