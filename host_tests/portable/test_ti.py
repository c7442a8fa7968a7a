"""INA219 and ADS1115: the datasheets' examples, and the suite."""

from batcher.sensors import ads1115, ina219
from kit.check import raises
from kit.chips import ti as sheet
from kit.driver_suite import Rig


def test_ina219_passes_the_suite():
    Rig(sheet.INA219, ina219.INA219, 0x40).check_all()
    Rig(sheet.INA219, lambda bus: ina219.INA219(bus, samples=128), 0x40).check_all()


def test_ads1115_passes_the_suite():
    Rig(sheet.ADS1115, ads1115.ADS1115, 0x48).check_all()
    Rig(sheet.ADS1115, lambda bus: ads1115.ADS1115(bus, channels="2", rate=860), 0x48).check_all()


def test_ina219_design_example():
    # SBOS448F page 24, table 3: shunt 0x07D0 over 2 milliohm is 10 A; bus 0x5D98 is 11.98 V;
    # 119.8 W.
    assert ina219.current(0x07D0, 2) == 100000
    assert 0x5D98 >> 3 << 2 == 11980
    assert ina219.power(11980, 100000) == 119800


def test_ina219_power_over_the_whole_range():
    for mv in range(0, 32001, 1999):
        for ma10 in range(-1600000, 1600001, 49999):
            assert abs(ina219.power(mv, ma10) - mv * ma10 / 10000) <= 0.51


def test_ina219_reads_both_directions():
    r = Rig(sheet.INA219, ina219.INA219, 0x40)
    assert r.read() == [5128, 1234, 633]
    r.chip.set(12000, -40000)
    assert r.read() == [12000, -4000, -4800]


def test_ina219_that_was_reset_is_noticed():
    r = Rig(sheet.INA219, ina219.INA219, 0x40)
    r.read()
    r.driver.measure(r.row)
    r.bus.attach(0x40, sheet.INA219(r.clock))
    with raises(OSError, "configuration is 0x399f, wanted 0x399b"):
        r.driver.measure(r.row)


def test_ads1115_steps_of_every_range():
    # Full scale 0x7FFF, one step 0x0001, and their negatives.
    for full in (6144, 4096, 2048, 1024, 512, 256):
        r = Rig(sheet.ADS1115, lambda bus, f=full: ads1115.ADS1115(bus, full_scale_mv=f), 0x48)
        half = full * 500
        r.chip.volts = [half, -half, 10 * half, 0]
        a, b, c, d = r.read()
        step = full * 1000 / 32768
        assert abs(a - half) <= step and abs(b + half) <= step + 1
        assert abs(c - full * 1000) <= 2 * step, "it is cut at the full scale"
        assert d == 0


def test_ads1115_has_the_fields_of_its_channels():
    r = Rig(sheet.ADS1115, lambda bus: ads1115.ADS1115(bus, channels="20"), 0x48)
    assert [f.name for f in r.driver.schema.fields] == ["v2", "v0"]
    assert r.read() == [3300000, 1234500]
    for wrong, why in (("", "0 fields"), ("4", "channels"), ("00", "'v0' comes twice")):
        with raises(ValueError, why):
            ads1115.ADS1115(None, channels=wrong)
