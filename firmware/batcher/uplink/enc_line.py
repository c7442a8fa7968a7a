"""InfluxDB line protocol: `series,device=d temperature=21.43 1700000000123000045`, a line a row.

Timestamps are nanoseconds: the reading's milliseconds, and below them six digits of its sequence
number, so that no point overwrites another. A missing field is left out, a row of nothing but
missing fields too. Names are escaped as the protocol says; a line break in one becomes a space
and a backslash a slash, because the protocol has no way to write them there.
"""

from ..port import const
from ..timebase import boot
from .emit import emit
from .program import Plan, RowEncoder

_NUMBER = const(0)
_STEP = const(3)
_END = const(4)


def escape(name: str, equals: bool = True) -> str:
    """-> a name as a tag, a tag's value or a field's name (equals: False for a measurement)."""
    for char in "\r\n\t":
        name = name.replace(char, " ")
    name = name.replace("\\", "/")
    for char in ", =" if equals else ", ":
        name = name.replace(char, "\\" + char)
    return name


class LineEncoder(RowEncoder):
    """text/plain. Before the clock is set `begin` raises OSError: the readings stay and wait.

    wait_for_clock=False: they go out at once, counted from 1970, and with a tag `boot` that
    keeps them apart. Readings of an earlier boot whose time never became known always do.
    """

    content_type = "text/plain; charset=utf-8"

    def __init__(self, clock=boot, wait_for_clock: bool = True):
        super().__init__(emit, clock)
        self._wait = wait_for_clock

    def begin(self, batch, ident):
        super().begin(batch, ident)
        if self._wait and not self._known and batch.boot is None:
            self._part = 0
            raise OSError("the clock is not set: line protocol wants the time")

    def plan(self, schema, known):
        plan = Plan(b"\n \n", 6)
        plan.do(_END)
        plan.first = plan.row = plan.here()
        head = "%s,device=%s" % (escape(schema.name, False), escape(self._device))
        if not known:
            head += ",boot=" + self._boot
        step = plan.do(_STEP, head, 32)
        for i, field in enumerate(schema.fields):
            plan.do(_NUMBER, escape(field.name) + "=", i + 1, 128 + field.scale)
        plan.put(_END, 1, 21)
        plan.land(step)
        plan.do(_END)
        return plan
