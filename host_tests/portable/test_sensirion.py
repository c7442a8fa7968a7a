"""SHT3x, SHT4x, SCD4x and AHT20: their datasheets' formulae and examples, and the suite."""

from batcher.sensors import aht20, scd4x, sht3x, sht4x
from batcher.sensors.crc8 import crc8
from kit.check import raises
from kit.chips import sensirion as sheet
from kit.driver_suite import Rig


def test_sht3x_passes_the_suite():
    for repeatability in ("high", "medium", "low"):
        Rig(
            sheet.SHT3x, lambda bus, r=repeatability: sht3x.SHT3x(bus, repeatability=r), 0x44
        ).check_all()


def test_sht4x_passes_the_suite():
    for repeatability in ("high", "medium", "low"):
        Rig(
            sheet.SHT4x, lambda bus, r=repeatability: sht4x.SHT4x(bus, repeatability=r), 0x44
        ).check_all()


def test_scd4x_passes_the_suite():
    Rig(sheet.SCD4x, scd4x.SCD4x, 0x62).check_all()


def test_aht20_passes_the_suite():
    Rig(sheet.AHT20, aht20.AHT20, 0x38).check_all()


def test_the_datasheets_examples_of_the_checksum():
    assert crc8(b"\xbe\xef", 0, 2) == 0x92  # SHT3x, SHT4x and SCD4x alike
    words = b"\xf8\x96\x31\x9f\x07\xc2\x3b\xbe\x89"  # SCD4x, get_serial_number
    for i in (0, 3, 6):
        assert crc8(words, i, i + 2) == words[i + 2] == sheet.crc(words, i, 2)


def test_the_scd4x_worked_example():
    # read_measurement: 500 ppm, 25 °C, 37 %. (It prints 0x7B for the first CRC, which is that of
    # another word; the other two, and its own polynomial, agree with these.)
    words = b"\x01\xf4\x33\x66\x67\xa2\x5e\xb9\x3c"
    for i in (0, 3, 6):
        assert crc8(words, i, i + 2) == words[i + 2]
    assert sht3x.temperature(0x6667) == 2500
    assert sht3x.humidity(0x5EB9) == 3700


def test_decoding_against_the_formulae_over_the_whole_range():
    for raw in range(0, 65536, 17):
        t = 100 * (-45 + 175 * raw / 65535)
        assert abs(sht3x.temperature(raw) - t) <= 0.51, raw
        assert abs(sht3x.humidity(raw) - 10000 * raw / 65535) <= 0.51, raw
        h = min(max(100 * (-6 + 125 * raw / 65535), 0), 10000)
        assert abs(sht4x.SHT4x.humidity(raw) - h) <= 0.51, raw
    for raw in range(0, 1 << 20, 275):  # 2^20 - 1 is a multiple of it
        assert abs(aht20.temperature(raw) - (raw / 1048576 * 20000 - 5000)) <= 0.51, raw
        assert abs(aht20.humidity(raw) - raw / 1048576 * 10000) <= 0.51, raw


def test_they_read_what_the_world_is():
    for chip, driver, address in (
        (sheet.SHT3x, sht3x.SHT3x, 0x44),
        (sheet.SHT4x, sht4x.SHT4x, 0x44),
        (sheet.AHT20, aht20.AHT20, 0x38),
    ):
        r = Rig(chip, driver, address)
        for t, h in ((-12.34, 81.25), (55.5, 12.5)):
            r.chip.set(temperature=t, humidity=h)
            values = r.read()
            assert abs(values[0] - t * 100) <= 1 and abs(values[1] - h * 100) <= 1, values


def test_a_wrong_checksum_says_which_word_and_both_values():
    r = Rig(sheet.SHT3x, sht3x.SHT3x, 0x44)
    r.read()
    r.chip.corrupt = True
    with raises(OSError, "sht3x at 0x44", "CRC of word 0 is 0x", "wanted 0x"):
        r.read()


def test_scd4x_waits_for_its_first_measurement_and_then_takes_what_is_ready():
    r = Rig(sheet.SCD4x, scd4x.SCD4x, 0x62)
    assert r.read() == [612, 2350, 4800]
    assert 5500 <= r.waited <= 6600, r.waited
    r.clock.ms += 10000
    r.chip.set(co2=700)
    r.read()
    assert r.waited == 2, r.waited
