"""The ring keeps the promises of every store, and a few of its own."""

from batcher.ring import Ring
from kit import conformance
from kit.check import lists_of, raises


class RingMaker(conformance.Maker):
    def make(self, n):
        return Ring(n)

    def item(self, i):
        return i

    def read(self, batch):
        return list(batch)


def test_ring_conforms_to_the_stores_suite():
    conformance.run(RingMaker())


def test_capacity_n_holds_n():
    for n in (1, 2, 3, 64):
        ring = Ring(n)
        for i in range(n):
            assert ring.push(i)
        assert not ring.push(n)
        assert len(ring) == n


def test_bad_capacity_is_refused():
    for bad in (0, -1, 1 << 28):
        with raises(ValueError, "capacity"):
            Ring(bad)
    for bad in ("8", 2.5, None):
        with raises(TypeError, "capacity"):
            Ring(bad)


def test_a_gap_behind_pinned_items_keeps_their_numbers():
    ring = Ring(6)
    for i in range(6):
        ring.push(i)
    assert ring.peek(2) == [0, 1]
    assert ring.evict(None, "") == 1
    assert ring.evict(None, "") == 1
    assert ring.push(6)
    assert ring.first == 0
    ring.release()
    # 0 and 1 have kept their numbers; a batch does not cross the gap of 2 and 3.
    assert ring.peek(6) == [0, 1]
    assert ring.first == 0
    assert ring.next_seq == 7
    ring.commit(2)
    assert ring.first == 4
    assert ring.peek(6) == [4, 5, 6]


def test_there_is_never_a_second_gap():
    ring = Ring(8)
    for i in range(8):
        ring.push(i)
    ring.peek(4)
    ring.evict(None, "")  # item 4
    ring.push(8)
    ring.release()
    assert ring.peek(2) == [0, 1]
    lost = []
    ring.evict(lambda item, reason: lost.append(item), "")
    assert lost == [5]
    ring.push(9)
    ring.release()
    seen = []
    while (batch := ring.peek(8)) is not None:
        seen += [(ring.first + i, item) for i, item in enumerate(batch)]
        ring.commit(len(batch))
    assert seen == [(i, i) for i in (0, 1, 2, 3, 6, 7, 8, 9)]


def test_what_is_delivered_is_not_kept_alive():
    ring = Ring(4)
    for i in range(4):
        ring.push([i])
    ring.peek(3)
    ring.commit(3)
    kept = [x for x in lists_of(ring) if len(x) == 4]
    assert len(kept) == 1 and kept[0].count(None) == 3
