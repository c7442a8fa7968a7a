"""Every file of boards/: complete, no pin twice, traps refused with their reason."""

import os

import boards.virtual

from batcher.board import Board, load
from kit.check import raises

NAMES = (
    ("NAME", str),
    ("TITLE", str),
    ("PORT", str),
    ("MCU", str),
    ("MACHINE", str),
    ("GPIO", tuple),
    ("TRAPS", dict),
    ("INPUT_ONLY", tuple),
    ("ADC", tuple),
    ("WIFI_TRAPS", dict),
    ("LED_ACTIVE", int),
    ("HOLD", int),
    ("I2C", dict),
    ("COUNTER", str),
    ("HEAP", int),
    ("FLASH", int),
    ("FILE_SYSTEM", int),
    ("RTC_MEMORY", int),
    ("WATCHDOG_MS", int),
)


def pin_fault(data, pin, role="pin", wifi=True):
    """-> why it cannot be used so, None where it can."""
    try:
        Board(data, wifi, False).claim(pin, role, "who")
    except ValueError as exc:
        return str(exc)
    return None


def all_boards():
    folder = boards.virtual.__file__.rpartition("/")[0]
    names = [n[:-3] for n in os.listdir(folder) if n.endswith(".py")]
    return [load("boards." + n) for n in sorted(names) if n not in ("__init__", "manifest")]


def test_the_promised_boards_are_there():
    names = [data.NAME for data in all_boards()]
    for name in ("pico_w", "pico2_w", "esp32", "esp32_s3", "esp32_c3", "esp32_c6", "virtual"):
        assert name in names, name


def test_each_is_complete():
    for data in all_boards():
        for name, kind in NAMES:
            value = getattr(data, name, None)
            assert isinstance(value, kind), (data.NAME, name, value)
        assert data.LED is None or isinstance(data.LED, (int, str))
        assert data.COUNTER in ("pio", "counter", "irq")
        assert data.TEMPERATURE is None or data.TEMPERATURE[0] in ("adc", "call")
        assert data.PORT in ("rp2", "esp32", "unix")
        assert data.HEAP >= 32 * 1024 and data.FILE_SYSTEM < data.FLASH
        assert 1000 <= data.WATCHDOG_MS <= 0x3FFFFFFF
        assert data.I2C, data.NAME
        for bus in data.I2C.values():
            assert sorted(bus) == ["freq", "id", "scl", "sda"]


def test_no_pin_is_used_twice_and_none_is_a_trap():
    for data in all_boards():
        board = Board(data, True, False)
        board.claim(data.HOLD, "pin", "HOLD")
        if isinstance(data.LED, int):
            board.claim(data.LED, "pin", "LED")
        for name in data.I2C:
            board.i2c(name)


def test_a_pin_is_free_or_a_trap_or_not_there():
    for data in all_boards():
        for pin in data.TRAPS:
            assert pin not in data.GPIO, (data.NAME, pin)
            assert len(data.TRAPS[pin]) > 10
        for group in (data.INPUT_ONLY, data.ADC, data.WIFI_TRAPS):
            for pin in group:
                assert pin in data.GPIO, (data.NAME, pin)
        assert len(set(data.GPIO)) == len(data.GPIO)
        for pin in data.ADC:
            assert pin not in data.WIFI_TRAPS


def test_pico_w_refuses_the_pins_of_its_wifi_chip():
    for name in ("pico_w", "pico2_w"):
        data = load("boards." + name)
        for pin in (23, 24, 25, 29):
            for role in ("pin", "pulse", "adc"):
                assert "Wi-Fi chip" in pin_fault(data, pin, role), (name, pin)
        assert pin_fault(data, 26, "adc") is None
        assert "cannot measure" in pin_fault(data, 22, "adc")


def test_esp32_refuses_adc2_while_wifi_is_on():
    data = load("boards.esp32")
    for pin in (0, 2, 4, 13, 14, 15, 25, 26, 27):
        assert "ADC2" in pin_fault(data, pin, "adc", True), pin
        assert pin_fault(data, pin, "adc", False) is None
        assert pin_fault(data, pin, "pin", True) is None
    for pin in range(32, 40):
        assert pin_fault(data, pin, "adc", True) is None
    assert "ADC2" in pin_fault(load("boards.esp32_s3"), 12, "adc", True)


def test_flash_serial_port_and_input_only_pins_are_refused():
    data = load("boards.esp32")
    for pin in range(6, 12):
        assert "flash" in pin_fault(data, pin)
    assert "REPL" in pin_fault(data, 1)
    assert "input" in pin_fault(data, 34, "pin")
    assert pin_fault(data, 34, "pulse") is None
    assert "no such pin" in pin_fault(data, 24)


def test_a_board_that_is_not_there():
    with raises(ImportError):
        load("boards.toaster")
