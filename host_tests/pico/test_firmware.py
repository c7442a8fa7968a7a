"""The library on the emulated Pico W: the contract, a chip, flash, the watchdog."""

import re

import pytest

from batcher_tools.artifacts import compile_one
from batcher_tools.paths import HOST_TESTS
from batcher_tools.pico.bench import ARCHITECTURE, firmware
from batcher_tools.pico.filesystem import write_image
from kit.names import of_tests

from .conftest import start

pytestmark = pytest.mark.pico

CONTRACT = [
    "test_ring",
    "test_promises_intake",
    "test_promises_flight",
    "test_promises_overflow",
    "test_promises_waiting",
]
RUN = """
import gc, sys
module = __import__("portable.{name}").{name}
for name in dir(module):
    if name.startswith("test_"):
        gc.collect()
        try:
            getattr(module, name)()
            print("PASS", name)
        except BaseException as exc:
            print("FAIL", name)
            sys.print_exception(exc)
"""


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """A file system with the compiled firmware, the test kit and the contract's tests."""
    files = firmware(of_tests())
    kit = [HOST_TESTS / "kit" / f"{name}.py" for name in ("__init__", "alloc", "check", "clock",
           "conformance", "encoder", "narrow", "rig")]  # fmt: skip
    for path in [*kit, *(HOST_TESTS / "portable" / f"{name}.py" for name in CONTRACT)]:
        name = path.relative_to(HOST_TESTS).with_suffix("").as_posix()
        files[f"/{name}.mpy"] = compile_one(path, name, ARCHITECTURE, level=0)
    return write_image(tmp_path_factory.mktemp("pico") / "fs", files)


@pytest.fixture(scope="session")
def first_loaded(image):
    with start(filesystem=image) as pico:
        yield pico


@pytest.fixture
def loaded(first_loaded):
    with first_loaded.fork() as pico:
        pico.speed(None)
        yield pico


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_holds_on_the_board(loaded, name):
    text = loaded.run(RUN.format(name=name), timeout=600)
    assert "PASS" in text and "FAIL" not in text, text


def test_a_bme280_is_read_by_our_driver(loaded):
    loaded.chip("kit.chips.bme280:BME280(clock)", 0x76)
    text = loaded.run(
        "import time\n"
        "from machine import I2C, Pin\n"
        "from batcher.sensors.bme280 import BME280\n"
        "driver = BME280(I2C(0, sda=Pin(4), scl=Pin(5), freq=400_000), 0x76)\n"
        "row = driver.schema.row()\n"
        "while True:\n"
        "    ms = driver.measure(row)\n"
        "    if not ms: break\n"
        "    time.sleep_ms(ms)\n"
        "print(list(row)[1:-1])\n"
        "import machine\n"
    )
    temperature, pressure, humidity = eval(text)
    assert (
        -4000 <= temperature <= 8500 and 300_000 <= pressure <= 1_100_000 and 0 < humidity <= 10000
    )


SPOOL = """
import json, os
from batcher import Items, Spool
spool = Spool("/batcher/readings", 65536, codec=Items(lambda x: json.dumps(x).encode(),
    lambda b: json.loads(bytes(b))), boot=b"%s")
"""


def test_a_spool_is_kept_over_a_reset_and_a_power_cut(loaded):
    loaded.run(SPOOL % "bootboot")
    loaded.run("for i in range(40): spool.push(i)\nspool.seal()\nprint(len(spool))")
    loaded.reset("run_pin")
    loaded.wait_for("MicroPython")
    count = "print(len(spool))"
    assert loaded.run(SPOOL % "bootboo2" + count) == "40\n"
    loaded.cut_power_after(1, torn=True)
    from batcher_tools.pico import PicoError

    with pytest.raises(PicoError):
        loaded.run("for i in range(40, 400):\n    spool.push(i)\n    spool.seal()", timeout=120)
    assert loaded.info()["power_cuts"] == 1
    kept = int(loaded.run(SPOOL % "bootboo3" + count))
    assert 40 <= kept < 400


def test_the_watchdog_bites_a_stuck_handler_and_the_cause_is_known(loaded):
    from batcher_tools.pico import PicoError

    setup = (
        "import os\n"
        "try: os.mkdir('/batcher')\n"
        "except OSError: pass\n"
        "import asyncio, machine, time\n"
        "from batcher.watchdog import Watchdog\n"
        "bitten = machine.reset_cause() == machine.WDT_RESET\n"
    )
    mark = loaded.info()["printed"]
    with pytest.raises(PicoError):
        loaded.run(
            setup + "dog = machine.WDT(timeout=8000)\n"
            "watch = Watchdog(dog.feed, path='/batcher/cause', by_watchdog=bitten)\n"
            "async def stuck(batch): await asyncio.sleep(1000)\n"
            "handler = watch.watch(stuck, limit_ms=5000)\n"
            "async def main():\n"
            "    watch.start()\n"
            "    await handler([1])\n"
            "asyncio.run(main())",
            timeout=240,
        )
    loaded.wait_for("MicroPython", since=mark)
    cause = loaded.run(setup + "print(Watchdog(print, '/batcher/cause', bitten).cause)")
    assert re.search("watchdog|stuck|handler", cause), cause


@pytest.mark.parametrize("hard", [True, False])
def test_readings_from_a_timer_interrupt_all_arrive(loaded, hard):
    text = loaded.run(
        "import asyncio, machine\n"
        "from batcher import Batcher\n"
        "got = []\n"
        "b = Batcher(256, interval_ms=20, overflow='drop_newest', irq=True)\n"
        "b.register_handler(got.extend)\n"
        "n = taken = 0\n"
        "def tick(timer):\n"
        "    global n, taken\n"
        "    if n < 600:\n"
        "        n += 1\n"
        "        if b.add(n): taken += 1\n"
        "async def main():\n"
        "    async with b:\n"
        f"        timer = machine.Timer(freq=200, callback=tick, hard={hard})\n"
        "        for _ in range(400):\n"
        "            await asyncio.sleep_ms(20)\n"
        "            if n == 600: break\n"
        "        timer.deinit()\n"
        "        await b.flush(2000)\n"
        "asyncio.run(main())\n"
        "print(n, taken, len(got), got == sorted(got), len(set(got)))",
        timeout=240,
    )
    assert text == "600 600 600 True 600\n"
