"""What both forms of SenML (RFC 8428) share: names and the base time of a block."""

from .. import block, timebase
from .encoder import RecordEncoder

_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_REST = _FIRST + "-:./_"


def clean(name: str) -> str:
    """-> a name in the letters that section 4.5.1 allows; others become _ and two hex digits."""
    out = ""
    for byte in name.encode():
        char = chr(byte)
        out += char if char in _REST else "_%02x" % byte
    return out


class SenmlEncoder(RecordEncoder):
    """Before the clock is set times are relative to now, as section 4.5.3 has it."""

    def prefix(self, schema, device: str) -> str:
        """-> the base name; a field's name follows it."""
        name = "%s/%s/" % (clean(device), clean(schema.name))
        return name if name[0] in _FIRST else "x" + name

    def _age(self, time):
        # Set `time` to how long ago the block's first row was taken: [s // 10000, s % 10000, ms].
        head = self._batch.head
        if self._batch.boot is not None:  # nobody knows: three years ago, in the right order
            time[0], time[1], time[2] = 9999 - time[0], 9999 - time[1], 999 - time[2]
            return
        low = self._clock.touch()
        high = self._clock.high(low)
        age = ((high - head[block.H_TIME_HIGH]) << 30) + low - head[block.H_TIME]
        timebase.split(age & 0x3FFFFFFF if age > 0 else 0, age >> 30 if age > 0 else 0, None, time)
