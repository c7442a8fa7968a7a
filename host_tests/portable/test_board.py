"""The board layer: buses and pins from data, each pin with one owner."""

# All drivers are compiled from their sources here; a firmware has its own three as .mpy.
# heap: 512k

from boards import virtual

import batcher.sensors as sensors
from batcher.board import Board
from kit.check import raises


def test_a_driver_is_made_from_its_configuration():
    board = Board(virtual)
    driver = sensors.create("bme280", {"address": 0x76}, board)
    row = driver.schema.row()
    assert driver.measure(row) == 10
    assert board.i2c("i2c0") is driver.bus


def test_faults_of_a_configuration_are_all_named():
    options = {"bus": "i2c7", "address": 0x10, "colour": 3}
    faults = sensors.check("bme280", options, virtual)
    text = "; ".join(faults)
    assert len(faults) == 3, faults
    for words in (
        "'colour': there is none",
        "no bus 'i2c7'",
        "'address': 16 is not one of [118, 119]",
    ):
        assert words in text, text
    assert "no driver 'bmx'" in sensors.check("bmx", {})[0]
    with raises(ValueError, "colour"):
        sensors.create("bme280", options, Board(virtual))


def test_a_pin_has_one_owner():
    board = Board(virtual)
    board.i2c("i2c0")
    with raises(ValueError, "button: GPIO 4: it is already used by i2c0"):
        board.claim(4, "pin", "button")
    with raises(ValueError, "GPIO 99"):
        board.claim(99, "pin", "button")
    board.claim(9, "pin", "b")
    with raises(ValueError, "c: GPIO 9: it is already used by b"):
        board.claim(9, "pulse", "c")
    with raises(ValueError, "d: GPIO 3: it cannot measure a voltage; these can: 26, 27, 28"):
        board.claim(3, "adc", "d")
    board.claim(3, "pin", "d")  # nobody got it


def test_a_rehearsal_gives_pins_away_and_makes_nothing():
    board = Board(virtual, False, False)
    assert board.i2c("i2c0") is None and board.part("pulse", 9, "a") is None
    assert board.part("temperature", None, "a") is None
    with raises(ValueError, "b: GPIO 9: it is already used by a"):
        board.part("onewire", 9, "b")
    with raises(ValueError, "b: GPIO 5: it is already used by i2c0"):
        board.part("adc", 26, "a")
        board.part("dht", 5, "b")


def test_every_driver_that_a_configuration_can_name_loads_and_says_its_options():
    board = Board(virtual)
    for name in sensors.NAMES.split():
        driver = sensors.load(name).DRIVER
        assert driver.SCHEMA[0] == name
        if driver.PART[1] == "i2c":
            address = {"sht3x": 0x45, "bmp280": 0x77}.get(name)
            driver = sensors.create(name, {"address": address} if address else {}, board)
            row = driver.schema.row()
            assert driver.measure(row) >= 0, name
