"""Buses and pins, built from a board's data file (boards/NAME.py) and from nothing else.

Rules: hardware is built here and in main.py only. Every pin has one owner, and the pins that
hang a board (those of its Wi-Fi chip, its flash, its serial port) are refused with the reason.
"""


def load(name: str):
    """-> the data of a board, by the name of its module ("boards.virtual")."""
    module = __import__(name)
    for part in name.split(".")[1:]:
        module = getattr(module, part)
    return module


def pin_fault(data, pin: int, role: str = "pin", wifi: bool = True):
    """-> why `pin` cannot be used as "pin", "pulse" or "adc", or None."""
    if pin in data.TRAPS:
        return "GPIO %d: %s" % (pin, data.TRAPS[pin])
    if pin not in data.GPIO:
        return "GPIO %d: %s has no such pin" % (pin, data.TITLE)
    if role == "pin" and pin in data.INPUT_ONLY:
        return "GPIO %d: it is an input only" % pin
    if role == "adc":
        if pin in data.WIFI_TRAPS:
            if wifi:
                return "GPIO %d: %s" % (pin, data.WIFI_TRAPS[pin])
        elif pin not in data.ADC:
            return "GPIO %d cannot measure a voltage; these can: %s" % (
                pin,
                ", ".join([str(x) for x in data.ADC]),
            )
    return None


def pin_faults(data, wanted, buses=(), wifi: bool = True) -> list:
    """-> every fault of [(pin, role, owner)] beside the buses in use, one str each."""
    owners = {}
    faults = []
    for name in buses:
        if name in data.I2C:
            owners[data.I2C[name]["sda"]] = owners[data.I2C[name]["scl"]] = name
    for pin, role, owner in wanted:
        fault = pin_fault(data, pin, role, wifi)
        if fault:
            faults.append("%s: %s" % (owner, fault))
        elif pin in owners:
            faults.append("%s: GPIO %d is already used by %s" % (owner, pin, owners[pin]))
        else:
            owners[pin] = owner
    return faults


class Board:
    """The hardware of `data`. `wifi`: will the radio be on (ESP32's ADC2 is its then)?"""

    def __init__(self, data, wifi: bool = True):
        self.data = data
        self.wifi = wifi
        self.machine = load(data.MACHINE)
        self._buses = {}
        self._owners = {}

    def i2c(self, name: str):
        """-> the bus of that name, built once."""
        if name not in self._buses:
            bus = self.data.I2C[name]
            self.claim(bus["sda"], "pin", name)
            self.claim(bus["scl"], "pin", name)
            self._buses[name] = self._make(bus)
        return self._buses[name]

    def _make(self, bus):
        pin = self.machine.Pin
        return self.machine.I2C(
            bus["id"], scl=pin(bus["scl"]), sda=pin(bus["sda"]), freq=bus["freq"]
        )

    def claim(self, pin: int, role: str, owner: str) -> None:
        """Give `pin` to `owner`; ValueError where it is a trap or another's."""
        fault = pin_fault(self.data, pin, role, self.wifi)
        if fault:
            raise ValueError("%s: %s" % (owner, fault))
        if self._owners.get(pin, owner) != owner:
            raise ValueError("%s: GPIO %d is already used by %s" % (owner, pin, self._owners[pin]))
        self._owners[pin] = owner

    def part(self, kind: str, value, owner: str):
        """-> what a driver's option names: an I2C bus, a Pin, or an ADC."""
        if kind == "i2c":
            return self.i2c(value)
        self.claim(value, kind, owner)
        if kind == "adc":
            return self.machine.ADC(self.machine.Pin(value))
        return self.machine.Pin(value)

    def led(self):
        """-> the LED's Pin, or None where the board has none."""
        if self.data.LED is None:
            return None
        return self.machine.Pin(self.data.LED, self.machine.Pin.OUT)
