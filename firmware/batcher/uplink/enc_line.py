"""InfluxDB line protocol: `series,device=d temperature=21.43 1700000000123000045`, a line a row.

Timestamps are nanoseconds: the reading's milliseconds, and below them six digits of its sequence
number, so that no point overwrites another. A missing field is left out, a row of nothing but
missing fields too. Names are escaped as the protocol says; a line break in one becomes a space
and a backslash a slash, because the protocol has no way to write them there.
"""

from ..timebase import boot
from .emit import END, NEXT, NUMBER, SEP, SKIP, STEP
from .program import RowEncoder, scaled


def escape(name: str, equals: bool = True) -> str:
    """-> a name as a tag, a tag's value or a field's name (equals: False for a measurement)."""
    for char in "\r\n\t":
        name = name.replace(char, " ")
    name = name.replace("\\", "/")
    for char in ", =" if equals else ", #":  # a line that begins with # is a comment
        name = name.replace(char, "\\" + char)
    return name


class LineEncoder(RowEncoder):
    """text/plain. Before the clock is set `begin` raises OSError: the readings stay and wait.

    wait_for_clock=False: they go out at once, counted from 1970, and with a tag `boot` that
    keeps them apart. Readings of an earlier boot whose time never became known always do.
    """

    content_type = "text/plain; charset=utf-8"
    frame = b"\0 \n"
    breaker = 6

    def __init__(self, clock=boot, wait_for_clock: bool = True):
        super().__init__(clock)
        self._wait = wait_for_clock

    def begin(self, batch, ident):
        super().begin(batch, ident)
        if self._wait and not self._known and batch.boot is None:
            self._part = 3
            raise OSError("the clock is not set: line protocol wants time")

    def plan(self, schema):
        head = "%s,device=%s" % (escape(schema.name, False), escape(self._device))
        if not self._known:
            head += ",boot=" + self._boot
        self.do(END)
        self.do(END)
        self.do(STEP | NEXT | len(schema.fields) << 8, head + " ")
        for field in schema.fields:
            name = ",%s=" % escape(field.name)
            self.do(SEP | SKIP | NUMBER | NEXT | scaled(field.scale), name)
        self.put(END, (1, 21))
        self.do(END)
