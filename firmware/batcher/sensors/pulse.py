"""A pulse counter: rain, energy, flow. Counted in hardware where the board's file says so.

Rules: a counter has `value()`, 30 bits that wrap, counting on whatever the firmware does. With
"irq" each pulse is an interrupt of a few microseconds, and **a flash write costs pulses**: on
RP2 an erase (45 ms typically, 400 ms at most) keeps interrupts off, and of the pulses in it one
is counted. "pio" (RP2) and "counter" (ESP32's PCNT) lose none. README.md has the table.
"""

from ..port import const
from .driver import Driver

_MASK = const(0x3FFFFFFF)


class IrqCounter:
    """One interrupt a pulse. `value() -> int` of 30 bits."""

    def __init__(self, pin, trigger):
        self._count = 0
        self.pin = pin
        # hard=True where the port knows it: soft interrupts are dropped when they queue up
        try:
            pin.irq(self._pulse, trigger, hard=True)
        except TypeError:
            pin.irq(self._pulse, trigger)

    def _pulse(self, pin):
        self._count = (self._count + 1) & _MASK

    def value(self):
        return self._count


class PioCounter:
    """RP2: a state machine counts X down at each rising edge; `rp2` is the port's module."""

    def __init__(self, rp2, counted, id=0):
        @rp2.asm_pio()
        def program():
            wrap_target()  # noqa: F821
            label("next")  # noqa: F821
            wait(0, pin, 0)  # noqa: F821
            wait(1, pin, 0)  # noqa: F821
            jmp(x_dec, "next")  # noqa: F821
            wrap()  # noqa: F821

        self._machine = machine = rp2.StateMachine(id, program, in_base=counted)
        machine.put(_MASK)
        machine.exec(0x80A0)  # pull
        machine.exec(0xA027)  # mov x, osr
        machine.active(1)
        self._last = _MASK

    def value(self):
        machine = self._machine
        machine.exec(0xA0C1)  # mov isr, x
        machine.exec(0x8000)  # push
        return (_MASK - machine.get()) & _MASK


class Pulse(Driver):
    """`counter`: what has `value()`. Row: count (since the last measurement), total (30 bits)."""

    PART = ("counter", "pulse")
    SCHEMA = ("pulse", (("count", "count", 0), ("total", "count", 0)))
    last = 0

    def run(self, counter):
        while True:
            now = counter.value() & _MASK
            self.row[1] = (now - self.last) & _MASK
            self.row[2] = self.last = now
            yield 0


DRIVER = Pulse
