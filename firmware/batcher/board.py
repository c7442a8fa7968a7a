"""Buses and pins, built from a board's data file (boards/NAME.py) and from nothing else.

Rules: hardware is built here and in main.py only. Every pin has one owner, and the pins that
hang a board (those of its Wi-Fi chip, its flash, its serial port) are refused with the reason.
"""

# What a driver's option needs of its pin: a level in and out, or a level in only.
_ROLES = {"onewire": "pin", "dht": "pin"}


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


def unstick(scl, sda) -> int:
    """Up to nine clock pulses and a stop on two open-drain pins. -> pulses. Raises OSError."""
    pulses = 0  # two calls a pulse: slower than any chip's 100 kHz without a pause
    while not sda.value():
        if pulses == 9:
            raise OSError(110, "SDA is held down, also after nine clock pulses")
        scl.value(0)
        scl.value(1)
        pulses += 1
    sda.value(0)
    sda.value(1)
    return pulses


class Board:
    """The hardware of `data`. `wifi`: will the radio be on (ESP32's ADC2 is its then)?"""

    def __init__(self, data, wifi: bool = True):
        self.data = data
        self.wifi = wifi
        self.machine = load(data.MACHINE)
        self._buses = {}
        self._owners = {}
        self._pio = 4  # RP2: the second block; Wi-Fi's driver takes a machine of the other
        self._counters = 0

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
        if pin in self._owners:
            raise ValueError("%s: GPIO %d is already used by %s" % (owner, pin, self._owners[pin]))
        self._owners[pin] = owner

    def part(self, kind: str, value, owner: str):
        """-> what a driver's option names: a bus, an ADC, a counter, a 1-Wire bus, a DHT22."""
        if kind == "i2c":
            return self.i2c(value)
        if kind == "temperature":
            return self._temperature()
        self.claim(value, _ROLES.get(kind, kind), owner)
        pin = self.machine.Pin(value)
        if kind == "adc":
            return self._adc(pin)
        if kind == "pulse":
            return self._counter(value)
        if kind == "onewire":
            return self._library("ds18x20").DS18X20(self._library("onewire").OneWire(pin))
        if kind == "dht":
            return self._library("dht").DHT22(pin)
        return pin

    def _library(self, name):
        """A module of the port; the virtual board has its own beside its `machine`."""
        folder = self.data.MACHINE.rpartition(".")[0]
        return load(folder + "." + name if folder else name)

    def _adc(self, pin):
        if self.data.PORT == "esp32":  # its range without an attenuator is 1 V
            return self.machine.ADC(pin, atten=self.machine.ADC.ATTN_11DB)
        return self.machine.ADC(pin)

    def _temperature(self):
        where = self.data.TEMPERATURE
        if where is None:
            raise ValueError("%s cannot measure its own temperature" % self.data.TITLE)
        if where[0] == "adc":
            return self.machine.ADC(where[1])
        module, _, function = where[1].partition(".")
        return getattr(load(module), function), where[2]

    def _counter(self, number):
        from .sensors.pulse import IrqCounter, PioCounter

        pin = self.machine.Pin(number, self.machine.Pin.IN, self.machine.Pin.PULL_UP)
        if self.data.COUNTER == "pio":
            self._pio += 1
            return PioCounter(load("rp2"), pin, self._pio - 1)
        if self.data.COUNTER == "counter":
            self._counters += 1
            return self.machine.Counter(self._counters - 1, pin)
        return IrqCounter(pin, self.machine.Pin.IRQ_RISING)

    def free_bus(self, bus) -> int:
        """Clock a chip that holds SDA down until it lets go. -> pulses, 0: it was free.

        A reset in the middle of a byte leaves a chip waiting for its clock; nine pulses end
        any byte, then a stop (I2C specification UM10204, section 3.1.16). Raises OSError where
        the line stays down: a short circuit, or a chip without power.
        """
        for name in self._buses:
            if self._buses[name] is bus:
                break
        else:
            return 0
        wires = self.data.I2C[name]
        pin = self.machine.Pin
        if pin(wires["sda"]).value():
            return 0
        try:
            scl = pin(wires["scl"], pin.OPEN_DRAIN, value=1)
            return unstick(scl, pin(wires["sda"], pin.OPEN_DRAIN, value=1))
        finally:
            self._make(wires)  # the controller takes its pins back

    def led(self):
        """-> the LED's Pin, or None where the board has none."""
        if self.data.LED is None:
            return None
        return self.machine.Pin(self.data.LED, self.machine.Pin.OUT)
