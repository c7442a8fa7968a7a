"""Something for the emulated chips to measure: slow waves, a little noise.

`attach(chip)` gives a chip a world to look at, by the name of its class. Integers where it
is easy; what floats there are belong to the emulation, not to the firmware.
"""

from math import sin

from batcher.port import random_bits


def attach(chip) -> None:
    chip.world = _WORLDS.get(type(chip).__name__)


def _wave(chip, seconds, phase=0.0):
    """-> -1 to 1, once around in `seconds`."""
    return sin(chip.clock.ticks() / 1000 * 6.2832 / seconds + phase)


def _noise(most):
    """-> -most to most."""
    return (random_bits(10) / 511.5 - 1) * most


def _bme280(chip):
    warm = _wave(chip, 23)
    chip.set(
        temperature=21.5 + 1.4 * warm + 0.3 * _wave(chip, 5) + _noise(0.02),
        pressure=100650 + 90 * _wave(chip, 61) + _noise(2),
        humidity=48 - 6 * warm + _noise(0.15),
    )


_WORLDS = {"BME280": _bme280, "BMP280": _bme280}
