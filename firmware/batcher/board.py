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


class Board:
    """The hardware of `data`. `wifi`: will the radio be on (ESP32's ADC2 is its then)?

    `real`: False for a rehearsal, which gives away pins and makes nothing.
    """

    def __init__(self, data, wifi: bool = True, real: bool = True):
        self.data = data
        self.buses = {}
        self.machine = load(data.MACHINE) if real else None
        self._wifi = wifi
        self._owners = {}
        self._counters = 0  # RP2: of the first block of PIO; Wi-Fi's driver takes the second

    def i2c(self, name: str):
        """-> the bus of that name, built once."""
        if name not in self.buses:
            wires = self.data.I2C[name]
            scl = self.claim(wires["scl"], "pin", name)
            sda = self.claim(wires["sda"], "pin", name)
            self.buses[name] = self.machine and self.machine.I2C(
                wires["id"], scl=scl, sda=sda, freq=wires["freq"]
            )
        return self.buses[name]

    def claim(self, pin: int, role: str, owner: str):
        """Give `pin` to `owner` -> machine.Pin; ValueError where it is a trap or another's.

        role: "adc", "pulse" (both only listen) or what drives it too.
        """
        data = self.data
        if pin in data.TRAPS:
            why = data.TRAPS[pin]
        elif pin not in data.GPIO:
            why = "%s has no such pin" % data.TITLE
        elif pin in data.INPUT_ONLY and role not in ("adc", "pulse"):
            why = "it is an input only"
        elif role == "adc" and self._wifi and pin in data.WIFI_TRAPS:
            why = data.WIFI_TRAPS[pin]
        elif role == "adc" and pin not in data.ADC and pin not in data.WIFI_TRAPS:
            why = "it cannot measure a voltage; these can: %s" % str(data.ADC)[1:-1]
        elif pin in self._owners:
            why = "it is already used by " + self._owners[pin]
        else:
            self._owners[pin] = owner
            return self.machine and self.machine.Pin(pin)
        raise ValueError("%s: GPIO %d: %s" % (owner, pin, why))

    def part(self, kind: str, value, owner: str):
        """-> what a driver's option names: a bus, an ADC, a counter, a 1-Wire bus, a DHT22."""
        data = self.data
        machine = self.machine
        if kind == "i2c":
            return self.i2c(value)
        if kind == "temperature":
            where = data.TEMPERATURE
            if where is None:
                raise ValueError("%s: %s cannot measure its own temperature" % (owner, data.TITLE))
            if where[0] == "call":
                module, _, function = where[1].partition(".")
                return machine and (getattr(load(module), function), where[2])
            return machine and machine.ADC(where[1])
        pin = self.claim(value, kind, owner)
        if machine is None or kind == "pin":
            return pin
        if kind == "adc":
            if data.PORT == "esp32":  # its range without an attenuator is 1 V
                return machine.ADC(pin, atten=machine.ADC.ATTN_11DB)
            return machine.ADC(pin)
        if kind == "pulse":
            from .sensors.pulse import IrqCounter, PioCounter

            pin = machine.Pin(value, pin.IN, pin.PULL_UP)
            if data.COUNTER == "irq":
                return IrqCounter(pin, pin.IRQ_RISING)
            self._counters += 1
            if data.COUNTER == "pio":
                return PioCounter(load("rp2"), pin, self._counters - 1)
            return machine.Counter(self._counters - 1, pin)
        # Modules of the port; the virtual board has its own beside its `machine`.
        folder = data.MACHINE.rpartition("machine")[0]
        if kind == "dht":
            return load(folder + "dht").DHT22(pin)
        return load(folder + "ds18x20").DS18X20(load(folder + "onewire").OneWire(pin))
