"""Any driver that somebody else wrote, in three lines:

    chip = SomebodysDriver(i2c)
    weather = Adapter("weather", (("temperature", "Cel", -2),), lambda: (chip.temperature,))
    sampler.add_sensor(weather, 10000)

Rules: `read()` returns one number a field (int, float, or None for missing), in the field's
unit; here they become integers. What it allocates and how long it blocks is its own.
"""

from ..port import format_exc
from ..schema import MISSING, Schema


def to_integer(value, scale: int) -> int:
    """`value` in units of 10**scale, rounded half away from zero; MISSING for None and NaN."""
    if value is None or value != value:
        return MISSING
    value = value / 10**scale if scale > 0 else value * 10**-scale
    number = int(value + (0.5 if value >= 0 else -0.5))
    if not MISSING < number <= 0x7FFFFFFF:
        raise ValueError("%r does not fit 32 bits at scale %d" % (value, scale))
    return number


class Adapter:
    """A driver whose row is what the function `read` returns.

    fields: (name, unit, scale), as of a Schema. Anything `read` raises becomes an OSError; a
    wrong number of values a ValueError that says so.
    """

    def __init__(self, name: str, fields, read):
        self.schema = self.SCHEMA = Schema(name, fields)
        self._read = read

    def measure(self, row):
        try:
            values = self._read()
        except Exception as exc:
            raise OSError(5, "%s: %s" % (self.schema.name, format_exc(exc)))
        if not isinstance(values, (tuple, list)):
            values = (values,)
        fields = self.schema.fields
        if len(values) != len(fields):
            raise ValueError(
                "%s: %d values for %d fields" % (self.schema.name, len(values), len(fields))
            )
        for i in range(len(fields)):
            row[i + 1] = to_integer(values[i], fields[i].scale)
        return 0
