"""A battery's voltage through a divider, and how full it is.

Rules: the level is read off a discharge curve in straight pieces; it is a hint, not a gauge
(the voltage sags under load and with the cold).
"""

from ..schema import Schema
from .analog import mean_mv

OPTIONS = {
    "adc": (None, "adc"),
    "kind": ("lipo", ("lipo", "lifepo4", "alkaline")),
    "cells": (1, range(1, 9)),
    "samples": (16, range(1, 257)),
    "full_scale_mv": (3300, range(100, 6001)),
    "times": (2, range(1, 1001)),
    "by": (1, range(1, 1001)),
}

# mV of one cell at rest -> per cent, rising: manufacturers' typical curves at 0.2 C and 20 °C.
CURVES = {
    "lipo": (3270, 0, 3610, 5, 3690, 10, 3770, 30, 3840, 50, 3950, 70, 4110, 90, 4200, 100),
    "lifepo4": (2500, 0, 3000, 9, 3200, 17, 3250, 30, 3300, 70, 3350, 90, 3400, 100),
    "alkaline": (900, 0, 1100, 15, 1200, 35, 1300, 60, 1400, 80, 1550, 100),
}


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


class Battery:
    """`adc` behind a divider of times / by. Row: voltage in mV, level in %."""

    SCHEMA = Schema("battery", (("voltage", "V", -3), ("level", "%EL", 0)))

    def __init__(self, adc, kind="lipo", cells=1, samples=16, full_scale_mv=3300, times=2, by=1):
        self.schema = self.SCHEMA
        self.adc = adc
        self._curve = CURVES[kind]
        self._cells = cells
        self._samples = samples
        self._full = 0 if hasattr(adc, "read_uv") else full_scale_mv
        self._times = times
        self._by = by

    def measure(self, row):
        mv = mean_mv(self.adc, self._samples, self._full) * self._times // self._by
        row[1] = mv
        row[2] = level(mv // self._cells, self._curve)
        return 0


DRIVER = Battery
