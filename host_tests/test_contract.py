"""Hypothesis plays the world: every policy, every size from 1, every mood of a handler.

What it finds is kept in portable/test_traces.py; a sample of what it plays is replayed on
MicroPython here.
"""

import json

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from batcher.port import TICKS_MAX
from kit.contract import World

TRACES = []


class Machine(RuleBasedStateMachine):
    world = None

    @initialize(
        capacity=st.integers(1, 12),
        batch=st.integers(1, 12),
        overflow=st.sampled_from(["drop_oldest", "drop_newest", "irq", "spill"]),
        start=st.sampled_from([0, TICKS_MAX - 700, 0x1FFFFFF0]),
    )
    def begin(self, capacity, batch, overflow, start):
        irq = overflow == "irq"
        self.world = World(
            capacity, min(batch, capacity), "drop_newest" if irq else overflow, irq, start
        )

    @rule(n=st.integers(1, 15))
    def add(self, n):
        self.world.do(["add", n])

    @rule(n=st.integers(0, 15))
    def many(self, n):
        self.world.do(["many", n])

    @rule()
    def put(self):
        self.world.do(["put"])

    @rule(timeout=st.sampled_from([None, 0, 50, 5000]))
    def flush(self, timeout):
        self.world.do(["flush", timeout])

    @rule()
    def kick(self):
        self.world.do(["kick"])

    @rule(mood=st.sampled_from(["ok", "raise", "cancelled", "hang", "lost_answer", "flushes"]))
    def mood(self, mood):
        self.world.do(["become", mood])

    @rule(
        mood=st.sampled_from(["retry_after", "reject", "slow", "adds", "take"]),
        n=st.integers(1, 9),
    )
    def mood_of_n(self, mood, n):
        self.world.do(["become", mood, n * 300 if mood in ("retry_after", "slow") else n])

    @rule()
    def handler_closes(self):
        self.world.do(["become", "closes"])

    @rule()
    def open_gate(self):
        self.world.do(["open_gate"])

    @rule(n=st.integers(1, 6))
    def step(self, n):
        self.world.do(["step", n])

    @rule(ms=st.sampled_from([1, 77, 78, 100, 499, 500, 3000]))
    def advance(self, ms):
        self.world.do(["advance", ms])

    @rule(i=st.integers(0, 9))
    def cancel(self, i):
        self.world.do(["cancel", i])

    @rule(ms=st.sampled_from([0, 100, 4000]), sure=st.integers(0, 3))
    def close(self, ms, sure):
        if sure == 0:  # not too often: little happens after it
            self.world.do(["close", ms])

    def teardown(self):
        if self.world:
            trace = list(self.world.trace)
            self.world.finish()
            TRACES.append([self.world.setup, trace])


def play(examples, steps):
    TRACES.clear()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_contract_holds_and_replays_on_micropython(micropython, tmp_path):
    play(200, 40)
    sample = [t for t in TRACES if t[1]][-100:]
    file = tmp_path / "traces.json"
    file.write_text("\n".join(json.dumps(t) for t in sample))
    code = (
        "import json\n"
        "from kit.contract import replay\n"
        f"for line in open({str(file)!r}):\n"
        "    replay(*json.loads(line))\n"
        "    print('ok')\n"
    )
    result = micropython(code, heap="1m")
    assert result.stdout.count("ok\n") == len(sample) > 50


@pytest.mark.proof
def test_contract_holds_for_long():
    play(4000, 80)
