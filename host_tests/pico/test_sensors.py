"""Every I2C driver on the emulated Pico W, 32 bits: its readings, and nothing for the heap.

A locked heap refuses integers beyond 30 bits, which a 64-bit host never makes.
"""

import pytest

from batcher_tools.artifacts import compile_one
from batcher_tools.paths import HOST_TESTS
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
    files = firmware()
    kit = [HOST_TESTS / "kit" / f"{name}.py" for name in ("__init__", "i2c")]
    for path in [*kit, *(HOST_TESTS / "kit" / "chips").glob("*.py")]:
        name = path.relative_to(HOST_TESTS).with_suffix("").as_posix()
        files[f"/{name}.mpy"] = compile_one(path, name, ARCHITECTURE)
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
        said = pico.run(code, timeout=60).strip()
    assert said == on_this_host(name, module, kind, address)
