"""What a measurement costs: bytes taken from the heap, and microseconds with the emulated bus.

The bytes count what is given back too (micropython.mem_total), also within one measurement.
"""

from time import ticks_diff, ticks_us

from batcher.sensors import load
from kit import dht, ds18x20, machine, onewire
from kit.alloc import allocated
from kit.chips import Still, bme280, ds18b20, light, mpu6050, sensirion, ti
from kit.i2c import I2C

CHIPS = (
    ("ads1115", ti.ADS1115, 0x48),
    ("aht20", sensirion.AHT20, 0x38),
    ("bh1750", light.BH1750, 0x23),
    ("bme280", bme280.BME280, 0x76),
    ("bmp280", bme280.BMP280, 0x76),
    ("ina219", ti.INA219, 0x40),
    ("mpu6050", mpu6050.MPU6050, 0x68),
    ("scd4x", sensirion.SCD4x, 0x62),
    ("sht3x", sensirion.SHT3x, 0x44),
    ("sht4x", sensirion.SHT4x, 0x44),
    ("veml7700", light.VEML7700, 0x10),
)


def measuring(driver, clock):
    """-> a function that takes one measurement, waits included."""
    row = driver.schema.row()

    def once():
        while True:
            ms = driver.measure(row)
            if not ms:
                return
            clock.ms += ms

    return once


def cost(once):
    once()
    t = ticks_us()
    for _ in range(200):
        once()
    return ticks_diff(ticks_us(), t) / 200


def main():
    rows = []
    for name, chip, address in CHIPS:
        clock = Still()
        bus = I2C()
        bus.attach(address, chip(clock))
        rows.append((name, measuring(load(name).DRIVER(bus, address), clock)))
    still = Still()
    adc = machine.ADC(26)
    rows.append(("analog", measuring(load("analog").DRIVER(adc), still)))
    rows.append(("battery", measuring(load("battery").DRIVER(adc), still)))
    rows.append(("core", measuring(load("core").DRIVER(machine.ADC(4)), still)))
    counter = load("pulse").IrqCounter(machine.Pin(9), 1)
    rows.append(("pulse", measuring(load("pulse").DRIVER(counter), still)))
    clock = Still()
    onewire.wires[1] = [ds18b20.DS18B20("28ff641e83160360", clock)]
    wire = ds18x20.DS18X20(onewire.OneWire(machine.Pin(1)))
    foreign = [
        ("ds18b20", measuring(load("ds18b20").DRIVER(wire), clock)),
        ("dht22", measuring(load("dht22").DRIVER(dht.DHT22(machine.Pin(16))), clock)),
    ]

    print("driver    bytes  us (emulated bus)")
    total = 0
    for name, once in rows:
        size = allocated(once)
        total += size
        print("%-9s %5d  %7.1f" % (name, size, cost(once)))
    for name, once in foreign:
        print("%-9s %5d  %7.1f  (emulated wire included)" % (name, allocated(once), cost(once)))
    print("BENCH measure_alloc_bytes=%d" % total)
    print("BENCH measure_drivers=%d" % len(rows))


main()
