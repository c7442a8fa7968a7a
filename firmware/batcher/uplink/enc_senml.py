"""SenML JSON (RFC 8428 section 5): a record for each field of each row.

`[{"bn":"device/series/","bt":1700000000.123,"n":"temperature","u":"Cel","v":21.43,"t":1.003045}`
The first record of a block has the base name and time; "t" is seconds from there, and its last
three digits are those of the sequence number, so that equal times differ.
"""

from . import emit
from .emit import SEQ_AT, TIME_AT
from .encoder import Plan
from .senml import SenmlEncoder, clean


class SenmlJsonEncoder(SenmlEncoder):
    """application/senml+json."""

    content_type = "application/senml+json"
    closing = b"]"

    def opening(self, device, boot):
        return b"["

    def set_time(self, time):
        if not self._known:
            self._age(time)
        super().set_time(time)
        # The rows step through these digits; the base time is kept where the number's would be.
        emit.copy(self._digits, TIME_AT, TIME_AT + 13, self._digits, SEQ_AT, SEQ_AT + 13)

    def plan(self, schema, device, boot, known):
        plan = Plan()
        p = plan.program
        p.do(emit.END)
        plan.row = p.here()
        p.do(emit.STEP)
        for i, field in enumerate(schema.fields):
            missing = p.do(emit.IF_MISSING, i + 1)
            p.do(emit.ONCE, 44, emit.E_BATCH_FLAG)
            p.text("{")
            based = p.do(emit.IF_SET, emit.E_BLOCK_FLAG)
            p.text('"bn":"%s","bt":%s' % (self.prefix(schema, device), "" if known else "-"))
            p.do(emit.DIGITS, SEQ_AT, 10)
            p.text(".")
            p.do(emit.PADDED, SEQ_AT + 10, 3)
            p.text(",")
            p.land(based)
            p.text('"n":"%s","u":"%s","v":' % (clean(field.name), field.unit))
            p.do(emit.NUMBER, i + 1, 128 + field.scale)
            p.text(',"t":')
            p.do(emit.NUMBER, 0, 128 - 3)
            p.do(emit.PADDED, emit.MICRO_AT, 3)
            p.text("}")
            p.land(missing)
        p.do(emit.END)
        plan.tail = plan.head
        return plan
