"""A battery's voltage through a divider, and how full it is.

Rules: the level is read off a discharge curve in straight pieces; it is a hint, not a gauge
(the voltage sags under load and with the cold).
"""

from .analog import Analog

# mV of one cell at rest -> per cent, rising: manufacturers' typical curves at 0.2 C and 20 °C.
CURVES = (
    "3270 0 3610 5 3690 10 3770 30 3840 50 3950 70 4110 90 4200 100",
    "2500 0 3000 9 3200 17 3250 30 3300 70 3350 90 3400 100",
    "900 0 1100 15 1200 35 1300 60 1400 80 1550 100",
)


def level(mv: int, curve) -> int:
    """Per cent of one cell at `mv`."""
    if mv <= curve[0]:
        return 0
    i = 2
    while i < len(curve):
        if mv < curve[i]:
            mv -= curve[i - 2]
            mv *= curve[i + 1] - curve[i - 1]
            return curve[i - 1] + mv // (curve[i] - curve[i - 2])
        i += 2
    return 100


class Battery(Analog):
    """`adc` behind a divider of times / by. Row: voltage in mV, level in %."""

    SCHEMA = ("battery", (("voltage", "V", -3), ("level", "%EL", 0)))
    OPTIONS = (
        ("kind", "lipo", "lifepo4", "alkaline"),
        ("cells", 1, 1, ..., 8),
        ("times", 2, 1, ..., 1000),
    ) + Analog.OPTIONS[1:]

    def run(self, adc, kind, cells, *analog):
        curve = tuple(map(int, CURVES[kind].split()))
        for ms in super().run(adc, *analog):
            self.row[2] = level(self.row[1] // cells, curve)
            yield ms


DRIVER = Battery
