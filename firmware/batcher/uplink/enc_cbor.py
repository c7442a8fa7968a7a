"""SenML CBOR (RFC 8428 section 6): maps with the labels -2 bn, -3 bt, 0 n, 1 u, 2 v, 6 t.

Values are decimal fractions, tag 4 (RFC 8949 section 3.4.4), integers where the scale is 0. The
base time is in whole seconds, "t" in microseconds from there, the last three digits of which are
those of the sequence number.
"""

from . import emit
from .encoder import Plan
from .senml import SenmlEncoder, clean

_BASE_TIME = emit.SEQ_AT  # 5 bytes of `digits` that no row touches: a CBOR integer of 32 bits


def text(s: str) -> bytes:
    """-> a CBOR text string."""
    data = s.encode()
    n = len(data)
    head = bytes([0x60 | n]) if n < 24 else bytes([0x78, n])
    return head + data


def small(number: int) -> bytes:
    """-> a CBOR integer of -24 to 23."""
    return bytes([number if number >= 0 else 0x20 | (-1 - number)])


class SenmlCborEncoder(SenmlEncoder):
    """application/senml+cbor."""

    content_type = "application/senml+cbor"
    closing = b"\xff"

    def opening(self, device, boot):
        return b"\x9f"  # an array without a length: missing values make no record

    def set_time(self, time):
        state = self._state
        major = 0x1A
        if self._known:
            state[emit.E_BASE_MS] = time[2]
        else:
            self._age(time)
            # -n is written as n - 1: the second before is a whole one, its rest is added again.
            state[emit.E_BASE_MS] = 0
            major = 0x3A
            if time[2]:
                state[emit.E_BASE_MS] = 1000 - time[2]
                time[1] += 1
            if time[0] or time[1]:
                time[1] -= 1
            else:
                major = 0x1A  # now: 0
        low = time[0] % 65536 * 10000 + time[1]  # seconds by halves: no object at 30 bits
        high = time[0] // 65536 * 10000 + (low >> 16)
        digits = self._digits
        digits[_BASE_TIME] = major
        digits[_BASE_TIME + 1] = high >> 8 & 255
        digits[_BASE_TIME + 2] = high & 255
        digits[_BASE_TIME + 3] = low >> 8 & 255
        digits[_BASE_TIME + 4] = low & 255

    def plan(self, schema, device, boot, known):
        plan = Plan()
        p = plan.program
        p.do(emit.END)
        plan.row = p.here()
        p.do(emit.STEP)
        for i, field in enumerate(schema.fields):
            missing = p.do(emit.IF_MISSING, i + 1)
            based = p.do(emit.IF_SET, emit.E_BLOCK_FLAG)
            p.text(b"\xa6\x21" + text(self.prefix(schema, device)) + b"\x22")
            p.do(emit.PADDED, _BASE_TIME, 5)
            over = p.do(emit.GO)
            p.land(based)
            p.text(b"\xa4")
            p.land(over)
            start = b"\x00" + text(clean(field.name)) + b"\x01" + text(field.unit) + b"\x02"
            p.text(start + (b"\xc4\x82" + small(field.scale) if field.scale else b""))
            p.do(emit.CBOR_INT, i + 1)
            p.text(b"\x06\xc4\x82" + small(-6))
            p.do(emit.CBOR_US)
            p.land(missing)
        p.do(emit.END)
        plan.tail = plan.head
        return plan
