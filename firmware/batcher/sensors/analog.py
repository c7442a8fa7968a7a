"""An analog pin: the mean of some readings, in millivolts, through a divider if there is one."""

from ..schema import Schema

OPTIONS = {
    "adc": (None, "adc"),
    "samples": (16, range(1, 257)),
    "full_scale_mv": (3300, range(100, 6001)),
    "times": (1, range(1, 1001)),
    "by": (1, range(1, 1001)),
}


def mean_mv(adc, samples: int, full_scale_mv: int) -> int:
    """mV at the pin: the mean of `samples` of read_u16(), whose 65,535 is full_scale_mv.

    Where the port has a calibrated read_uv(), pass full_scale_mv 0 to use it.
    """
    total = 0
    if not full_scale_mv:
        for _ in range(samples):
            total += adc.read_uv()
        return (total // samples + 500) // 1000
    for _ in range(samples):
        total += adc.read_u16()
    return (total // samples * full_scale_mv + 32768) >> 16


class Analog:
    """`adc`: a machine.ADC. times / by: the divider, 3 / 1 for 100 k to ground and 200 k above.

    Row: voltage in mV. Where the ADC is calibrated (read_uv), full_scale_mv does not count.
    """

    SCHEMA = Schema("analog", (("voltage", "V", -3),))

    def __init__(self, adc, samples=16, full_scale_mv=3300, times=1, by=1):
        self.schema = self.SCHEMA
        self.adc = adc
        self._samples = samples
        self._full = 0 if hasattr(adc, "read_uv") else full_scale_mv
        self._times = times
        self._by = by

    def measure(self, row):
        row[1] = mean_mv(self.adc, self._samples, self._full) * self._times // self._by
        return 0


DRIVER = Analog
