"""SenML JSON (RFC 8428 section 5): a record for each field of each row.

`[{"bn":"device/series/","bt":1700000000.123,"n":"temperature","u":"Cel","v":21.43,"t":1.003045}`
The first record of a block has the base name and time; "t" is seconds from there, and its last
three digits are those of the sequence number, so that equal times differ.
"""

from ..port import const
from ..timebase import boot
from .emit import emit
from .program import Plan
from .senml import SenmlEncoder, clean

_VALUE = const(1)
_IF_VALUE = const(2)
_STEP = const(3)
_END = const(4)
_TEXT = const(5)
_IF_SET = const(6)
_STRIP = const(7)


class SenmlJsonEncoder(SenmlEncoder):
    """application/senml+json."""

    content_type = "application/senml+json"

    def __init__(self, clock=boot):
        super().__init__(emit, clock)

    def set_time(self, time, text):
        if not self._known:
            self._age(time)
        super().set_time(time, text)
        # The rows step through these digits; the base time is kept where the number's would be.
        for i in range(13):
            text[22 + i] = text[2 + i]

    def plan(self, schema, known):
        plan = Plan(b",,}")
        plan.do(_TEXT, "[")
        plan.head = plan.tail = plan.do(_END)
        plan.first = plan.row = plan.do(_STEP)
        base = '"bn":"%s","bt":%s' % (self.prefix(schema), "" if known else "-")
        for i, field in enumerate(schema.fields):
            missing = plan.do(_IF_VALUE, "{", i + 1)
            based = plan.do(_IF_SET, "", 4)
            plan.do(_TEXT, base)
            plan.put(_STRIP, 22, 10)
            plan.do(_TEXT, ".")
            plan.put(_TEXT, 32, 3)
            plan.do(_TEXT, ",")
            plan.land(based)
            value = '"n":"%s","u":"%s","v":' % (clean(field.name), field.unit)
            plan.do(_VALUE, value, i + 1, 128 + field.scale)
            plan.do(_VALUE, ',"t":', 0, 128 - 3)
            plan.put(_TEXT, 15, 4)
            plan.land(missing)
        plan.do(_END)
        plan.closing = plan.do(_TEXT, "]")
        plan.do(_END)
        return plan
