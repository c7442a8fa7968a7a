"""BH1750 and VEML7700: the datasheets' formulae and examples, and the suite."""

from batcher.sensors import bh1750, veml7700
from kit.check import raises
from kit.chips import light as sheet
from kit.driver_suite import Rig


def test_bh1750_passes_the_suite():
    for mode in ("high", "high2", "low"):
        Rig(sheet.BH1750, lambda bus, m=mode: bh1750.BH1750(bus, mode=m), 0x23, False).check_all()


def test_veml7700_passes_the_suite():
    Rig(sheet.VEML7700, veml7700.VEML7700, 0x10).check_all()
    Rig(sheet.VEML7700, lambda bus: veml7700.VEML7700(bus, gain="2"), 0x10).check_all()


def test_bh1750_worked_examples():
    # Rev. B, page 10: 0x8390 in H-resolution mode is 28,067 lx.
    assert abs(bh1750.decode(0x8390) - 280667) <= 1
    for raw in range(0, 65536, 13):
        for time in (31, 69, 254):
            assert abs(bh1750.decode(raw, time) - raw / 1.2 * 69 / time * 10) <= 0.51
            assert abs(bh1750.decode(raw, time, 2) - raw / 2.4 * 69 / time * 10) <= 0.51


def test_veml7700_decodes_as_the_application_note():
    # 84323 of 2025: 0.0672 lx a step at gain 1 and 100 ms, so 1480 counts are 99.456 lx.
    assert veml7700.decode(1480, 42 * 2 * 8) == 9945
    for step in (42, 672, 5376, 21504):
        for raw in range(0, 65536, 97):
            assert 0 <= raw * step / 100 - veml7700.decode(raw, step) < 1


def test_veml7700_correction_against_the_polynomial():
    for shown in range(0, 2300000, 1009):
        x = shown / 100
        true = 6.0135e-13 * x**4 - 9.3924e-9 * x**3 + 8.1488e-5 * x**2 + 1.0023 * x
        got = veml7700.straighten(shown) / 100
        assert abs(got - true) <= 0.02 + true * 0.002, (x, true, got)


def test_they_read_what_the_world_is():
    r = Rig(sheet.BH1750, lambda bus: bh1750.BH1750(bus, time=254), 0x23)
    r.chip.set(12.34)
    assert abs(r.read()[0] - 123) <= 2
    assert r.waited == 663, r.waited
    r = Rig(sheet.VEML7700, lambda bus: veml7700.VEML7700(bus, gain="2", integration_ms=800), 0x10)
    r.chip.set(0.42)
    assert r.read() == [42]


def test_veml7700_names_another_chip():
    r = Rig(sheet.VEML7700, veml7700.VEML7700, 0x10)
    r.chip.corrupt = True
    with raises(OSError, "veml7700 at 0x10: chip id is 0x80, wanted 0x81"):
        r.read()
