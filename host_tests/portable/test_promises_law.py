"""The promises of the batcher, 13: the law, and arguments that are wrong.

Time is virtual: no test sleeps.
"""

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.errors import Rejected
from batcher.identity import Identity
from kit.check import raises
from kit.rig import Rig

# 13. The law


def test_13_the_law_holds_after_every_step():
    rig = Rig(7, batch_size=3)
    turn = [0]

    def answer(batch):
        turn[0] += 1
        if turn[0] % 5 == 0:
            raise Rejected("fifth")
        if turn[0] % 2:
            raise OSError("odd")
        return 1 + turn[0] % len(batch)

    rig.answer = answer
    for i in range(300):
        if i % 17 == 0:
            rig.batcher.add_many(list(range(i % 11)))
        rig.batcher.add(i)
        for _ in range(i % 4):
            rig.clock.advance(20)
            s = rig.batcher.stats
            assert s["added"] == s["delivered"] + s["dropped"] + s["rejected"] + s["pending"]
            assert s["pending"] <= 7
    assert rig.batcher.stats["added"] == 300 + sum(i % 11 for i in range(0, 300, 17))


# Arguments


def test_arguments_that_are_wrong_are_named():
    for kind, word, make in (
        (ValueError, "capacity", lambda: Batcher(0)),
        (ValueError, "capacity", lambda: Batcher(-5)),
        (TypeError, "capacity", lambda: Batcher("64")),
        (TypeError, "capacity", lambda: Batcher()),
        (ValueError, "batch_size", lambda: Batcher(8, batch_size=9)),
        (ValueError, "batch_size", lambda: Batcher(8, batch_size=0)),
        (TypeError, "batch_size", lambda: Batcher(8, batch_size=2.0)),
        (ValueError, "interval_ms", lambda: Batcher(8, interval_ms=-1)),
        (TypeError, "interval_ms", lambda: Batcher(8, interval_ms=0.5)),
        (ValueError, "overflow", lambda: Batcher(8, overflow="drop")),
        (ValueError, "spill", lambda: Batcher(8, overflow="spill")),
        (TypeError, "on_error", lambda: Batcher(8, on_error=3)),
        (TypeError, "on_drop", lambda: Batcher(8, on_drop="x")),
        (TypeError, "handler", lambda: Batcher(8).register_handler(None)),
        (ValueError, "first_ms", lambda: Backoff(0)),
    ):
        with raises(kind, word):
            make()


# 11. Identity: not on an emulated chip, whose random bits are always the same


def test_11_identity_two_batchers_and_two_boots_never_share_a_name():
    a, b = Identity(), Identity()
    assert a.boot != b.boot
    assert len(a.boot) == 16
    assert Identity("d", "0123456789abcdef").boot == "0123456789abcdef"
    for bad in ("", "xyz", "0123456789ABCDEF"):
        with raises(ValueError, "boot"):
            Identity("d", bad)
