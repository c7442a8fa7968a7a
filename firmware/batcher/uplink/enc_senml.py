"""SenML JSON (RFC 8428 section 5): a record for each field of each row.

`[{"bn":"device/series/","bt":1700000000.123,"n":"temperature","u":"Cel","v":21.43,"t":1.003045}`
The first record of a block has the base name and time; "t" is seconds from there, and its last
three digits are those of the sequence number, so that equal times differ.
"""

from .. import timebase
from .emit import END, NEXT, NUMBER, SEP, SKIP, STEP, STRIP
from .program import RowEncoder, put_digits, scaled

_MARKS = "-:./_"  # beside letters and digits, and not as the first


def clean(name: str) -> str:
    """-> a name in the letters that section 4.5.1 allows; others become _ and two hex digits."""
    out = ""
    for byte in name.encode():
        char = chr(byte)
        plain = char in _MARKS or byte < 128 and (char.isalpha() or char.isdigit())
        out += char if plain else "_%02x" % byte
    return out


class SenmlJsonEncoder(RowEncoder):
    """Before the clock is set times are relative to now, as section 4.5.3 has it."""

    content_type = "application/senml+json"
    frame = b"  }"
    again = 1

    def prefix(self, schema) -> str:
        """-> the base name; a field's name follows it."""
        name = "%s/%s/" % (clean(self._device), clean(schema.name))
        return "x" + name if name[0] in _MARKS else name

    def set_time(self, time, text):
        if not self._known:  # how long ago the row was taken
            if self._batch.boot is None:
                self._age(self._batch.head, time)
            else:  # nobody knows: three years ago, in the right order
                time[0], time[1], time[2] = 9999 - time[0], 9999 - time[1], 999 - time[2]
        put_digits(text, 22, 6, time[0])
        put_digits(text, 28, 4, time[1])
        put_digits(text, 33, 3, time[2])

    def _age(self, head, time):
        low = self.now
        age = ((self._clock.high(low) - head[5]) << 30) + low - head[4]
        if age < 0:
            age = 0
        timebase.split(age & 0x3FFFFFFF, age >> 30, None, time)

    def plan(self, schema):
        self._text[32:] = b".   ,"  # the base time: 10 digits, and these
        self.do(END, "[")
        self.do(END)
        self.do(STEP | NEXT)
        base = self.add('"bn":"%s","bt":%s' % (self.prefix(schema), "" if self._known else "-"))
        brace = self.add(",{")
        t = self.add(',"t":')
        for field in schema.fields:
            self.put(SEP | SKIP, brace)
            self.first((0, base), (STRIP, (22, 10)), (0, (32, 5)))
            value = '"n":"%s","u":"%s","v":' % (clean(field.name), field.unit)
            self.do(SKIP | NUMBER | scaled(field.scale), value)
            self.put(SKIP | STEP | NUMBER | scaled(-3), t)
            self.put(NEXT | SKIP, (15, 4))
        self.do(END)
        self.do(END, "]")
