"""Every I2C driver on the emulated Pico W, 32 bits: its readings, and nothing for the heap.

A locked heap refuses integers beyond 30 bits, which a 64-bit host never makes.
"""

import pytest

from batcher_tools.artifacts import compile_one
from batcher_tools.paths import HOST_TESTS, ROOT
from batcher_tools.pico.bench import ARCHITECTURE, firmware
from batcher_tools.pico.filesystem import write_image

from .conftest import start

pytestmark = pytest.mark.pico

CHIPS = {
    "bme280": ("bme280", "BME280", 0x76),
    "bmp280": ("bme280", "BMP280", 0x76),
    "sht3x": ("sensirion", "SHT3x", 0x44),
    "sht4x": ("sensirion", "SHT4x", 0x44),
    "scd4x": ("sensirion", "SCD4x", 0x62),
    "aht20": ("sensirion", "AHT20", 0x38),
    "bh1750": ("light", "BH1750", 0x23),
    "veml7700": ("light", "VEML7700", 0x10),
    "ina219": ("ti", "INA219", 0x40),
    "ads1115": ("ti", "ADS1115", 0x48),
    "mpu6050": ("mpu6050", "MPU6050", 0x68),
}
CODE = """
import gc, micropython
from kit.chips import Still
from kit.chips.{module} import {kind}
from kit.i2c import I2C
from batcher.sensors.{name} import DRIVER

clock = Still()
bus = I2C()
bus.attach({address}, {kind}(clock))
driver = DRIVER(bus, {address})
row = driver.schema.row()

def once():
    ms = driver.measure(row)
    while ms:
        clock.ms += ms
        ms = driver.measure(row)

once()
gc.collect()
micropython.heap_lock()
once()
once()
micropython.heap_unlock()
print(list(row)[1:-1])
"""


@pytest.fixture(scope="session")
def first_with_chips(tmp_path_factory):
    files = firmware(("IrqCounter", "PioCounter"))
    kit = [HOST_TESTS / "kit" / f"{name}.py" for name in ("__init__", "i2c")]
    for path in [*kit, *(HOST_TESTS / "kit" / "chips").glob("*.py")]:
        name = path.relative_to(HOST_TESTS).with_suffix("").as_posix()
        files[f"/{name}.mpy"] = compile_one(path, name, ARCHITECTURE)
    board = "boards/pico_w"
    files[f"/{board}.mpy"] = compile_one(ROOT / f"{board}.py", board, ARCHITECTURE)
    with start(filesystem=write_image(tmp_path_factory.mktemp("pico") / "fs", files)) as pico:
        yield pico


def on_this_host(name, module, kind, address):
    """The same code, run here."""
    import contextlib
    import io

    said = io.StringIO()
    code = CODE.format(name=name, module=module, kind=kind, address=address)
    code = code.replace("import gc, micropython", "import gc\nfrom batcher.port import micropython")
    code = code.replace("micropython.heap_", "gc.is_tracked # ")
    with contextlib.redirect_stdout(said):
        exec(code, {})
    return said.getvalue().strip()


@pytest.mark.parametrize("name", CHIPS)
def test_a_driver_on_32_bits(first_with_chips, name):
    module, kind, address = CHIPS[name]
    with first_with_chips.fork() as pico:
        code = CODE.format(name=name, module=module, kind=kind, address=address)
        said = pico.run(code, timeout=240).strip()
    assert said == on_this_host(name, module, kind, address)


COUNTERS = """
import machine, micropython, rp2, time
from batcher.sensors.pulse import IrqCounter, PioCounter, Pulse
pin = machine.Pin(15, machine.Pin.IN)
machine.Pin("LED", machine.Pin.OUT).value(1)  # Wi-Fi's chip has it, and takes a state machine
pio = PioCounter(rp2, pin)
irq = IrqCounter(machine.Pin(15, machine.Pin.IN), machine.Pin.IRQ_RISING)
driver = Pulse(pio)
row = driver.schema.row()
driver.measure(row)
"""
COUNTED = """
time.sleep_ms(%d)
micropython.heap_lock()
driver.measure(row)
micropython.heap_unlock()
print(row[1], irq.value())
"""
WRITING = """
with open("/scratch.bin", "wb") as file:
    for i in range(10):
        file.write(bytes(4096))
        file.flush()
"""


def test_pulses_are_counted_by_pio_also_while_flash_is_written(first_with_chips, capsys):
    """2000 pulses of 5 kHz while 40 KB are written: the interrupt loses some, the PIO none."""
    with first_with_chips.fork() as pico:
        pico.run(COUNTERS, timeout=240)
        pico.pulses(15, 1000)
        by_pio, by_irq = map(int, pico.run(COUNTED % 300, timeout=240).split())
        assert by_pio == 1000 and by_irq == 1000
        pico.pulses(15, 2000, 100)
        by_pio, by_irq = map(int, pico.run(WRITING + COUNTED % 600, timeout=120).split())
        assert by_pio == 2000
        lost = 3000 - by_irq
        with capsys.disabled():
            print(f"\nBENCH pico_pulses_lost_by_interrupt={lost}")
        assert 0 <= lost < 2000


STATION = """
import json
from batcher.port import asyncio
with open("config.json", "w") as file:
    json.dump({"board": "pico_w", "uplink": {"url": "http://10.0.0.1:9/"}, "led": False,
               "watchdog": False, "sensors": [{"driver": "core", "every_ms": 100}]}, file)
from batcher.hardware import build, prepare
config = prepare()
hardware = build(config)
from batcher.station import Station
station = Station(config, hardware)

async def main():
    asyncio.create_task(station.run())
    await asyncio.sleep(0.5)
    raise RuntimeError("by a test")

try:
    asyncio.run(main())
except RuntimeError as exc:
    station.ended(exc)
"""
AFTERWARDS = """
import sys
print("batcher.station" in sys.modules)
import batcher
batcher.status()
"""


def test_the_log_is_read_after_a_soft_reset(first_with_chips):
    with first_with_chips.fork() as pico:
        assert "ended: RuntimeError: by a test" in pico.run(STATION, timeout=120)
        pico.type("\x04")
        pico.wait_for("soft reboot")
        said = pico.run(AFTERWARDS, timeout=240)
    assert said.startswith("False"), said
    assert "last run" in said and "ended: RuntimeError: by a test" in said, said
    assert "started: " in said, said
