"""An add asks the heap for nothing: neither kept nor given back, with room, full, or guarded."""

from batcher.batcher import Batcher
from batcher.counter import count, value
from batcher.ring import Ring
from kit.alloc import allocated, locked


def adds(batcher, n=300):
    add = batcher.add

    def run():
        for _ in range(n):
            add(7)

    return run


def make(**options):
    batcher = Batcher(100, **options)
    batcher.register_handler(lambda batch: None)
    return batcher


def test_add_allocates_nothing_while_there_is_room_and_when_it_is_full():
    for overflow in ("drop_oldest", "drop_newest"):
        run = adds(make(overflow=overflow))
        assert allocated(run) == 0
        locked(run)


def test_add_from_an_interrupt_allocates_nothing():
    run = adds(make(overflow="drop_newest", irq=True))
    assert allocated(run) == 0
    locked(run)


def test_counters_pass_30_bits_without_the_heap():
    batcher = make()
    for counter in [batcher.store._gone, batcher._refused] + list(batcher._counts.values()):
        counter[0] = 0x3FFFFFFF - 10
    run = adds(batcher)
    assert allocated(run) == 0
    assert batcher.stats["added"] > 0x40000000


def test_a_batch_is_handed_over_and_committed_without_the_heap():
    ring = Ring(64)

    def cycle():
        for i in range(40):
            ring.push(i)
        ring.peek(32)
        ring.commit(32)
        ring.peek(8)
        ring.commit(8)

    cycle()
    locked(cycle)


def test_a_counter_carries_at_30_bits():
    counter = [0x3FFFFFFF, 4]
    count(counter, 1)
    assert counter == [0, 5]
    assert value(counter) == 5 << 30
    count(counter, 7)
    assert value(counter) == (5 << 30) + 7
