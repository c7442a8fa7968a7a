"""An analog pin: the mean of some readings, in millivolts, through a divider if there is one."""

from .driver import Driver


class Analog(Driver):
    """`adc`: a machine.ADC. times / by: the divider, 3 / 1 for 100 k to ground and 200 k above.

    Row: voltage in mV. 65,535 of read_u16() is full_scale_mv; where the ADC is calibrated
    (read_uv), full_scale_mv does not count.
    """

    PART = ("adc", "adc")
    SCHEMA = ("analog", (("voltage", "V", -3),))
    OPTIONS = (
        ("times", 1, 1, ..., 1000),
        ("by", 1, 1, ..., 1000),
        ("samples", 16, 1, ..., 256),
        ("full_scale_mv", 3300, 100, ..., 6000),
    )

    def run(self, adc, times, by, samples, full_scale_mv):
        calibrated = hasattr(adc, "read_uv")
        while True:
            total = 0
            for _ in range(samples):
                total += adc.read_uv() if calibrated else adc.read_u16()
            total //= samples
            mv = (total + 500) // 1000 if calibrated else (total * full_scale_mv + 32768) >> 16
            self.row[1] = mv * times // by
            yield 0


DRIVER = Analog
