"""InfluxDB line protocol: `series,device=d temperature=21.43 1700000000123000045`, a line a row.

Timestamps are nanoseconds: the reading's milliseconds, and below them six digits of its sequence
number, so that no point overwrites another. A missing field is left out, a row of nothing but
missing fields too. Names are escaped as the protocol says; a line break in one becomes a space
and a backslash a slash, because the protocol has no way to write them there.
"""

from . import emit
from .encoder import Plan, RecordEncoder


def escape(name: str, equals: bool = True) -> str:
    """-> a name as a tag, a tag's value or a field's name (equals: False for a measurement)."""
    for char in "\r\n\t":
        name = name.replace(char, " ")
    name = name.replace("\\", "/")
    for char in ", =" if equals else ", ":
        name = name.replace(char, "\\" + char)
    return name


class LineEncoder(RecordEncoder):
    """text/plain. Before the clock is set `begin` raises OSError: the readings stay and wait.

    wait_for_clock=False: they go out at once, counted from 1970, and with a tag `boot` that
    keeps them apart. Readings of an earlier boot whose time never became known always do.
    """

    content_type = "text/plain; charset=utf-8"

    def __init__(self, *args, wait_for_clock: bool = True):
        super().__init__(*args)
        self._wait = wait_for_clock

    def begin(self, batch, ident):
        super().begin(batch, ident)
        if self._wait and not self._known and batch.boot is None:
            self._part = 0
            raise OSError("the clock is not set: line protocol wants the time")

    def plan(self, schema, device, boot, known):
        plan = Plan()
        p = plan.program
        p.do(emit.END)
        plan.row = p.here()
        p.do(emit.STEP)
        empty = p.do(emit.IF_EMPTY)
        head = "%s,device=%s" % (escape(schema.name, False), escape(device))
        p.text(head + (" " if known else ",boot=%s " % boot))
        for i, field in enumerate(schema.fields):
            missing = p.do(emit.IF_MISSING, i + 1)
            p.do(emit.ONCE, 44, emit.E_ROW_FLAG)
            p.text(escape(field.name) + "=")
            p.do(emit.NUMBER, i + 1, 128 + field.scale)
            p.land(missing)
        p.text(" ")
        p.do(emit.PADDED, emit.TIME_AT, 19)
        p.do(emit.END, 10)
        p.land(empty)
        p.do(emit.END)
        plan.tail = plan.head
        return plan
