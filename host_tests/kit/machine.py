"""The virtual board's `machine`: buses with the emulated chips of boards/virtual.py, and pins.

It is handed to batcher.board by the board's data, never patched into sys.modules.
`machine.I2C(0).chips` are the chips, for who wants to turn a screw: set values, pull one out.
"""

from os import getenv

from boards import virtual

_buses = {}
_pins = {}


def _chip(module, name):
    return getattr(getattr(__import__("kit.chips." + module).chips, module), name)


class I2C:
    """The bus `id`, the same each time, with its chips."""

    def __new__(cls, id, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        if id not in _buses and getenv("BATCHER_CHIPS"):  # the port of a process that has them
            from . import remote

            if not _buses:
                remote.connect(int(getenv("BATCHER_CHIPS")))
            _buses[id] = remote.I2C(id)
        if id not in _buses:
            from .i2c import I2C as _Bus

            bus = _buses[id] = _Bus()
            for name, bus_data in virtual.I2C.items():
                if bus_data["id"] == id:
                    bus.name = name
                    for address, (module, kind) in virtual.CHIPS[name].items():
                        bus.attach(address, _chip(module, kind)())
                    _pins[bus_data["scl"]] = bus.scl
                    _pins[bus_data["sda"]] = bus.sda
        return _buses[id]


class Pin:
    """A pin with a level; an output is seen by whoever asks for the same number."""

    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __new__(cls, id, mode=-1, pull=-1, *, value=None):
        pin = _pins.get(id)
        if pin is None:
            pin = _pins[id] = super().__new__(cls)
            pin.id = id
            pin._level = 1 if pull == cls.PULL_UP else 0
            pin._handler = None
            pin._trigger = 0
        if value is not None:
            pin.value(value)
        return pin

    def init(self, mode=-1, pull=-1, *, value=None):
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            return self._level
        before = self._level
        self._level = 1 if level else 0
        if before != self._level and self._handler is not None:
            if self._trigger & (1 if self._level else 2):
                self._handler(self)
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=3, *, hard=False):
        self._handler = handler
        self._trigger = trigger
        return self


class ADC:
    """An analog pin: `ADC.levels[pin]` is what read_u16() gives."""

    CORE_TEMP = 4
    levels = {}

    def __init__(self, pin, *, atten=None):
        self._id = getattr(pin, "id", pin)

    def read_u16(self):
        return self.levels.get(self._id, 0x8000)


PWRON_RESET = 1
DEEPSLEEP_RESET = 4


def reset_cause():
    return DEEPSLEEP_RESET if getenv("BATCHER_WOKE") else PWRON_RESET


def deepsleep(ms):
    """The process ends; who started it wakes it by starting it again, with BATCHER_WOKE set."""
    print("deep sleep: %d" % ms)
    raise SystemExit(0)
