"""What both forms of SenML (RFC 8428) share: names and the base time of a block."""

from .. import timebase
from .program import RowEncoder

_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_REST = _FIRST + "-:./_"


def clean(name: str) -> str:
    """-> a name in the letters that section 4.5.1 allows; others become _ and two hex digits."""
    out = ""
    for byte in name.encode():
        char = chr(byte)
        out += char if char in _REST else "_%02x" % byte
    return out


class SenmlEncoder(RowEncoder):
    """Before the clock is set times are relative to now, as section 4.5.3 has it."""

    def prefix(self, schema) -> str:
        """-> the base name; a field's name follows it."""
        name = "%s/%s/" % (clean(self._device), clean(schema.name))
        return name if name[0] in _FIRST else "x" + name

    def _age(self, time):
        # Set `time` to how long ago the block's first row was taken: [s // 10000, s % 10000, ms].
        batch = self._batch
        if batch.boot is not None:  # nobody knows: three years ago, in the right order
            time[0], time[1], time[2] = 9999 - time[0], 9999 - time[1], 999 - time[2]
            return
        low = self._clock.touch()
        high = self._clock.high(low)
        age = ((high - batch.head[5]) << 30) + low - batch.head[4]
        timebase.split(age & 0x3FFFFFFF if age > 0 else 0, age >> 30 if age > 0 else 0, None, time)
