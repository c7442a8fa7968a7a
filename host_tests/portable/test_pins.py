"""Sensors on pins: DS18B20, DHT22, analog, battery, the core's temperature, pulses, adapters."""

# heap: 512k

from boards import virtual

import batcher.sensors as sensors
from batcher.board import Board
from batcher.freebus import free, unstick
from batcher.schema import MISSING
from batcher.sensors.adapter import Adapter, to_integer
from batcher.sensors.analog import Analog
from batcher.sensors.battery import CURVES, Battery, level
from batcher.sensors.core import Core, decode_rp2
from batcher.sensors.dht22 import humidity, temperature
from batcher.sensors.ds18b20 import DS18B20, decode
from batcher.sensors.pulse import IrqCounter, Pulse
from kit import dht, ds18x20, machine, onewire
from kit.alloc import allocated
from kit.check import raises
from kit.chips import Still
from kit.chips import ds18b20 as sheet
from kit.i2c import I2C


def read(driver, clock=None):
    row = driver.schema.row()
    for _ in range(10):
        ms = driver.measure(row)
        if not ms:
            return list(row)[1:-1]
        clock.ms += ms
    raise AssertionError("it never ends")


def wire(*roms):
    clock = Still()
    chips = [sheet.DS18B20(rom, clock) for rom in roms]
    onewire.wires[1] = chips
    return clock, chips, ds18x20.DS18X20(onewire.OneWire(machine.Pin(1)))


A = "28ff641e83160360"
B = "28aabbccddeeff01"


def test_ds18b20_table_of_the_datasheet():
    # Table 1, temperature and data.
    for raw, wanted in (
        (0x07D0, 12500),
        (0x0550, 8500),
        (0x0191, 2506),
        (0x00A2, 1013),
        (0x0008, 50),
        (0x0000, 0),
        (0xFFF8, -50),
        (0xFF5E, -1012),
        (0xFE6F, -2506),
        (0xFC90, -5500),
    ):
        assert decode(bytes((raw & 255, raw >> 8))) == wanted, hex(raw)


def test_ds18b20_alone_and_by_its_code():
    clock, chips, bus = wire(A)
    chips[0].set(-12.5)
    assert read(DS18B20(bus), clock) == [-1250]
    clock, chips, bus = wire(A, B)
    chips[0].set(10)
    chips[1].set(20)
    assert read(DS18B20(bus, rom=B), clock) == [2000]
    assert read(DS18B20(bus, rom=A.upper()), clock) == [1000]
    with raises(OSError, "wanted one chip", A):
        read(DS18B20(bus), clock)


def test_ds18b20_faults():
    clock, chips, bus = wire(A)
    driver = DS18B20(bus)
    assert read(driver, clock) == [2150]
    chips[0].corrupt = True
    with raises(OSError, "ds18b20: CRC error"):
        read(driver, clock)
    chips[0].corrupt = False
    good = bus.read_scratch
    bus.read_scratch = lambda rom: bytes(9)  # the line is held low: its CRC is right
    with raises(OSError, "ds18b20: scratchpad: found 0x00"):
        read(driver, clock)
    bus.read_scratch = good
    chips[0].there = False
    with raises(OSError, "found nothing"):
        read(driver, clock)
    chips[0].there = True
    assert read(driver, clock) == [2150]
    row = driver.schema.row()
    driver.measure(row)
    chips[0].unpowered()
    with raises(OSError, "has lost its power"):
        read(driver, clock)
    assert read(driver, clock) == [2150]


def test_ds18b20_that_loses_its_power_each_time_never_becomes_a_reading():
    clock, chips, bus = wire(A)
    driver = DS18B20(bus)
    for _ in range(3):
        driver.measure(driver.schema.row())
        chips[0].unpowered()
        with raises(OSError, "has lost its power"):
            read(driver, clock)
        chips[0].unpowered()


def test_ds18b20_that_is_really_hot():
    clock, chips, bus = wire(A)
    driver = DS18B20(bus)
    chips[0].set(84.5)
    assert read(driver, clock) == [8450]
    chips[0].set(85)
    assert read(driver, clock) == [8500]


def test_dht22_examples_of_the_datasheet():
    assert humidity(b"\x02\x8c\x01\x5f\xee") == 652
    assert temperature(b"\x02\x8c\x01\x5f\xee") == 351
    assert temperature(b"\x00\x00\x80\x65\x00") == -101


def test_dht22_on_the_virtual_board():
    driver = sensors.create("dht22", {"data": 16}, Board(virtual))
    sensor = dht.sensors[16]
    sensor.set(-10.1, 65.2)
    assert read(driver) == [-101, 652]
    sensor.corrupt = True
    with raises(OSError, "dht22: checksum error"):
        read(driver)
    sensor.corrupt = False
    sensor.there = False
    with raises(OSError):
        read(driver)
    sensor.there = True
    assert read(driver) == [-101, 652]


def test_ds18b20_on_the_virtual_board():
    import batcher.port

    driver = sensors.create("ds18b20", {"wire": 15, "rom": A}, Board(virtual))
    row = driver.schema.row()
    assert driver.measure(row) == 750
    assert batcher.port is not None


class Volts:
    def __init__(self, raw):
        self.raw = raw

    def read_u16(self):
        return self.raw


class Calibrated(Volts):
    def read_uv(self):
        return self.raw


def test_analog_and_its_divider():
    assert read(Analog(Volts(65535))) == [3300]
    assert read(Analog(Volts(32768), times=3)) == [4950]
    assert read(Analog(Volts(0))) == [0]
    assert read(Analog(Calibrated(1234499), samples=256)) == [1234]


def test_battery_levels():
    for text in CURVES:
        curve = [int(x) for x in text.split()]
        before = 0
        for mv in range(800, 4500, 7):
            now = level(mv, curve)
            assert before <= now <= 100, (mv, before, now)
            before = now
        assert before == 100
        for i in range(0, len(curve), 2):
            assert level(curve[i], curve) == curve[i + 1]
    values = read(Battery(Calibrated(1920000)))
    assert values == [3840, 50], values


def test_core_temperature():
    # RP2040 section 4.9.5: 0.706 V at 27 degrees, -1.721 mV a degree; float formula beside.
    for raw in range(12000, 17000, 7):
        true = 27 - (raw * 3.3 / 65535 - 0.706) / 0.001721
        assert abs(decode_rp2(raw) - true * 100) <= 4, raw
    assert read(Core((lambda: 41, "C"))) == [4100]
    assert read(Core((lambda: 122, "F"))) == [5000]
    driver = sensors.create("core", {}, Board(virtual))
    assert read(driver)[0] != MISSING


def test_pulses_are_counted_and_the_counter_wraps():
    pin = machine.Pin(9)
    driver = Pulse(IrqCounter(pin, machine.Pin.IRQ_RISING))
    for _ in range(7):
        pin.on()
        pin.off()
    assert read(driver) == [7, 7]
    assert read(driver) == [0, 7]

    class Wrapping:
        count = 0x3FFFFFFE

        def value(self):
            return self.count

    counter = Wrapping()
    driver = Pulse(counter)
    read(driver)
    counter.count = 3
    assert read(driver) == [5, 3]


def test_pulse_counter_on_the_virtual_board():
    driver = sensors.create("pulse", {"counter": 10}, Board(virtual))
    pin = machine.Pin(10)
    pin.off()
    read(driver)
    pin.on()
    assert read(driver)[0] == 1


def test_they_leave_nothing_on_the_heap():
    for driver in (
        Analog(Volts(1000)),
        Battery(Volts(30000)),
        Core(Volts(14000)),
        Pulse(IrqCounter(machine.Pin(11), 1)),
    ):
        row = driver.schema.row()

        def once(driver=driver, row=row):
            driver.measure(row)

        assert allocated(once) == 0, (driver.schema.name, allocated(once))


def test_adapter_of_a_plain_function():
    weather = Adapter(
        "weather",
        (("temperature", "Cel", -2), ("rain", "mm" if False else "m", -3), ("count", "count", 0)),
        lambda: (21.437, None, 7),
    )
    assert read(weather) == [2144, MISSING, 7]
    single = Adapter("one", (("x", "count", 0),), lambda: -2.5)
    assert read(single) == [-3]


def test_adapter_tells_what_is_wrong():
    def fails():
        raise RuntimeError("not ready")

    with raises(OSError, "odd: RuntimeError: not ready"):
        read(Adapter("odd", (("x", "count", 0),), fails))
    with raises(ValueError, "odd: 2 values for 1 fields"):
        read(Adapter("odd", (("x", "count", 0),), lambda: (1, 2)))
    with raises(ValueError, "does not fit"):
        to_integer(1e9, -2)
    assert to_integer(float("nan"), 0) == MISSING
    assert to_integer(123456, 3) == 123
    assert to_integer(-0.005, -2) in (-1, 0)


def test_a_stuck_bus_is_freed_by_clocking_it():
    bus = I2C()
    for held in (1, 5, 9):
        bus.stick(held)
        assert unstick(bus.scl, bus.sda) == held
        assert bus.held == 0
    bus.stick(50)
    with raises(OSError, "nine clock pulses"):
        unstick(bus.scl, bus.sda)


def test_the_board_frees_its_own_bus_only():
    class Hardware:
        machine = machine
        bus = Board(virtual).i2c("i2c0")
        wires = [(bus, virtual.I2C["i2c0"])]

    bus = Hardware.bus
    assert free(Hardware, bus) == 0
    bus.stick(4)
    assert free(Hardware, bus) == 4
    assert free(Hardware, I2C()) == 0
    assert bus.readfrom_mem(0x76, 0xD0, 1) == b"\x60"
