"""BME280: the datasheet's formulae and worked example, and the suite every driver passes."""

from array import array

from batcher.sensors import bme280
from batcher.sensors.bme280 import BME280
from batcher.sensors.bmp280 import BMP280
from kit.check import raises
from kit.chips import bme280 as sheet
from kit.driver_suite import Rig


def rig(**options):
    return Rig(sheet.BME280, lambda bus: BME280(bus, **options), 0x76)


def calibration(t=sheet.EXAMPLE_T, p=sheet.EXAMPLE_P, h=sheet.EXAMPLE_H):
    return t + p + h


class Chip:
    def __init__(self, row):
        self.row = row


def compensate(calibration, raw, row):
    return next(bme280.compensate(calibration, raw, Chip(row)))


def registers(t, p, h):
    return bytes(
        (p >> 12, p >> 4 & 255, p << 4 & 255, t >> 12, t >> 4 & 255, t << 4 & 255, h >> 8, h & 255)
    )


def test_passes_the_suite():
    rig().check_all()
    rig(oversampling=16, filter=16).check_all()


def test_the_worked_example_of_the_datasheet():
    # BST-BMP280-DS001 section 3.12: UT 519888, UP 415148 -> 25.08 °C, 100653.27 Pa.
    row = array("i", [0] * 5)
    assert not compensate(calibration(), registers(519888, 415148, 0x8000), row)
    assert row[1] == 2508
    assert abs(row[2] - 1006533) <= 1


def test_compensation_against_the_floating_point_formulae():
    worst_t = worst_p = worst_h = points = 0
    other_p = (38129, -10641, 3024, 8327, -102, -7, 9900, -10230, 4285)
    other = ((28485, 26735, 50), other_p, (75, 376, 0, 286, 50, 30))
    for t_, p_, h_ in ((sheet.EXAMPLE_T, sheet.EXAMPLE_P, sheet.EXAMPLE_H), other):
        c = calibration(t_, p_, h_)
        row = array("i", [0] * 5)
        for t in range(300000, 800000, 9973):
            fine = sheet.t_fine(t, t_)
            if not -40 <= fine / 5120 <= 85:
                continue
            for p in range(100000, 900000, 20011):
                wanted = sheet.pressure(p, fine, p_)
                if not 30000 <= wanted <= 110000:
                    continue
                h = (t * 7 + p) % 65536
                assert not compensate(c, registers(t, p, h), row)
                worst_t = max(worst_t, abs(row[1] - fine / 51.2))
                worst_p = max(worst_p, abs(row[2] - wanted * 10))
                worst_h = max(worst_h, abs(row[3] - sheet.humidity(h, fine, h_) * 100))
                points += 1
    assert points > 1500, points
    # 0.01 °C, 0.2 Pa, 0.02 %: the last digit of each field (two of the pressure's).
    assert worst_t <= 1 and worst_p <= 2 and worst_h <= 2, (worst_t, worst_p, worst_h)


def _raw(f, wanted):
    """The lowest 20-bit reading whose f, which rises, is not below `wanted`."""
    low, high = 0, 1 << 20
    while high - low > 1:
        middle = (low + high) // 2
        if f(middle) < wanted:
            low = middle
        else:
            high = middle
    return high


def test_compensation_at_the_corners_of_the_range():
    """-40 to 85 °C and 300 to 1100 hPa to the last step, humidity to both ends of its converter.

    Errors stay below the last digit of temperature and humidity, and below two of pressure's.
    """
    other_p = (38129, -10641, 3024, 8327, -102, -7, 9900, -10230, 4285)
    other = ((28485, 26735, 50), other_p, (75, 376, 0, 286, 50, 30))
    for t_, p_, h_ in ((sheet.EXAMPLE_T, sheet.EXAMPLE_P, sheet.EXAMPLE_H), other):
        c = calibration(t_, p_, h_)
        row = array("i", [0] * 5)
        first = _raw(lambda x, t_=t_: sheet.t_fine(x, t_), -40 * 5120)
        last = _raw(lambda x, t_=t_: sheet.t_fine(x, t_), 85 * 5120) - 1
        for t in (first, first + 1, (first + last) // 2, last - 1, last):
            fine = sheet.t_fine(t, t_)
            top = _raw(lambda x, f=fine, p_=p_: -sheet.pressure(x, f, p_), -110000)
            bottom = _raw(lambda x, f=fine, p_=p_: -sheet.pressure(x, f, p_), -30000) - 1
            for p in (top, top + 1, (top + bottom) // 2, bottom - 1, bottom):
                pressure = sheet.pressure(p, fine, p_)
                assert 30000 <= pressure <= 110000
                for h in (0, 1, 13000, 20000, 26000, 32000, 40000, 65534, 65535):
                    assert not compensate(c, registers(t, p, h), row)
                    assert abs(row[1] - fine / 51.2) <= 0.6, (t, row[1])
                    assert abs(row[2] - pressure * 10) <= 2, (t, p, row[2])
                    assert abs(row[3] - sheet.humidity(h, fine, h_) * 100) <= 1.5, (t, h, row[3])


def test_reads_what_the_world_is():
    r = rig()
    r.chip.set(temperature=-12.34, pressure=87654.3, humidity=81.25)
    t, p, h = r.read()
    assert abs(t + 1234) <= 1 and abs(p - 876543) <= 3 and abs(h - 8125) <= 2, (t, p, h)


def test_waits_as_long_as_the_datasheet_says():
    for oversampling, ms in ((1, 10), (4, 30), (16, 113)):
        r = rig(oversampling=oversampling)
        r.read()
        assert r.waited == ms, r.waited


def test_another_chip_is_named():
    r = Rig(sheet.BMP280, lambda bus: BME280(bus), 0x76)
    with raises(OSError, "bme280 at 0x76", "chip id is 0x58, wanted 0x60"):
        r.read()


def test_a_blank_calibration_is_refused():
    r = Rig(lambda clock: sheet.BME280(clock, P=(0,) * 9), BME280, 0x76)
    with raises(OSError, "calibration"):
        r.read()


def test_no_step_of_the_compensation_is_wider_than_a_small_integer():
    """The same code on ints that refuse to grow: what a 32-bit board would take from its heap."""
    from batcher.port import MICROPYTHON

    if MICROPYTHON:
        return
    from kit.narrow import Narrow

    other_p = (38129, -10641, 3024, 8327, -102, -7, 9900, -10230, 4285)
    other = ((28485, 26735, 50), other_p, (75, 376, 0, 286, 50, 30))
    for known in (calibration(), calibration(*other)):
        c = [Narrow(x) for x in known]
        for t in (300000, 519888, 750000):
            for p in (200000, 415148, 800000):
                for h in (0, 20000, 30000, 65535):
                    raw = [Narrow(x) for x in registers(t, p, h)]
                    assert compensate(c, raw, [0] * 5) in (False, True)


def test_bmp280_passes_the_suite():
    Rig(sheet.BMP280, BMP280, 0x76).check_all()


def test_bmp280_reads_the_worked_example():
    r = Rig(sheet.BMP280, BMP280, 0x76)
    r.chip.set_raw(519888, 415148)
    assert r.read()[0] == 2508
    assert abs(r.read()[1] - 1006533) <= 1
    assert r.waited == 7
