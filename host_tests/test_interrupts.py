"""Adds injected between any two steps of the loop's own work on the same state.

On the host an interrupt is a call made from a trace function, at a chosen line of the core,
while interrupts are on. Every line in turn is tried.
"""

import sys

import pytest

from batcher import batcher as batcher_module
from batcher import irq as irq_module
from batcher import ring as ring_module
from kit.rig import Rig

CORE = ("batcher.py", "flusher.py", "ring.py", "irq.py", "counter.py")


class Interrupts:
    """Stands in for disable_irq and enable_irq, and fires at the n-th line with them on."""

    def __init__(self):
        self.off = 0
        self.lines = 0
        self.fire_at = -1
        self.fire = lambda: None
        self.fired = False
        self.tracer = self.trace  # one object for good: CPython 3.11 only borrows it in a call

    def disable(self):
        self.off += 1
        return 0

    def enable(self, state):
        self.off -= 1

    def trace(self, frame, event, arg):
        name = frame.f_code.co_filename
        if not name.endswith(CORE) or "/batcher/" not in name:
            return None
        if event == "line" and not self.off:
            self.lines += 1
            if self.lines == self.fire_at:
                self.fired = True
                self.fire()  # not traced: CPython traces nothing inside a trace function
        return self.tracer


@pytest.fixture
def interrupts(monkeypatch):
    irq = Interrupts()
    for module in (batcher_module, ring_module, irq_module):
        monkeypatch.setattr(module, "disable_irq", irq.disable)
        monkeypatch.setattr(module, "enable_irq", irq.enable)
    return irq


def run(irq, fire_at, burst, answers):
    """One life of a batcher with `burst` adds from an interrupt at line `fire_at`."""
    rig = Rig(6, batch_size=3, irq=True, overflow="drop_newest")
    taken = []
    accepted = []
    script = list(answers)

    def answer(batch):
        result = script.pop(0) if script else None
        if isinstance(result, Exception):
            raise result
        k = len(batch) if result is None else result
        taken.extend(batch[:k])
        return k

    rig.answer = answer

    def add(item):
        if rig.batcher.add(item):
            accepted.append(item)

    irq.lines = 0
    irq.fired = False
    irq.fire_at = fire_at
    irq.fire = lambda: [add(("irq", i)) for i in range(burst)]
    sys.settrace(irq.tracer)
    try:
        for i in range(8):
            add(("loop", i))
            rig.clock.run()
        rig.clock.advance(3000)
    finally:
        sys.settrace(None)
    rig.clock.advance(10000)
    assert sorted(taken) == sorted(accepted), "accepted = delivered"
    for source in ("irq", "loop"):
        mine = [item for item in taken if item[0] == source]
        assert mine == sorted(mine), "order"
    stats = rig.batcher.stats
    assert stats["added"] == 8 + (burst if irq.fired else 0)
    assert stats["added"] == stats["delivered"] + stats["dropped"]
    assert irq.off == 0
    return irq.fired


@pytest.mark.parametrize("burst", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "answers", [(), (OSError("down"), 1, None, OSError("down"))], ids=["well", "failing"]
)
def test_an_add_at_any_line_is_delivered_once_and_in_order(interrupts, burst, answers):
    fire_at = 1
    while run(interrupts, fire_at, burst, answers):
        fire_at += 1
    assert fire_at > 200


def test_without_the_protection_items_are_lost(interrupts, monkeypatch):
    """The negative control: the same test, with interrupts on throughout, must fail."""
    monkeypatch.setattr(interrupts, "disable", lambda: 0)
    monkeypatch.setattr(interrupts, "enable", lambda state: None)
    for module in (batcher_module, ring_module, irq_module):
        monkeypatch.setattr(module, "disable_irq", lambda: 0)
        monkeypatch.setattr(module, "enable_irq", lambda state: None)
    broken = 0
    for fire_at in range(1, 400):
        try:
            run(interrupts, fire_at, 3, ())
        except (AssertionError, ValueError, TypeError):
            broken += 1
    assert broken > 0
