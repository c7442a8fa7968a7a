"""What every store promises: one suite, run on each of them.

A store's test makes a `Maker` and calls `run(maker)`, or each function by itself.
    maker.make(n)       -> an empty store in which at least n items fit
    maker.item(i)       -> the i-th item; a fresh one or the same each time
    maker.read(batch)   -> list of the i of a batch's items, in order
    maker.whole         True where an eviction may take several items at once (blocks)
"""


class Maker:
    whole = False

    def fill(self, store, start, end):
        for i in range(start, end):
            assert store.push(self.item(i))

    def drain(self, store, limit):
        got = []
        store.seal()
        while True:
            batch = store.peek(limit)
            if batch is None:
                return got
            assert 0 < len(batch) <= limit
            got += self.read(batch)
            store.commit(len(batch))


def empty_store_gives_nothing(maker):
    store = maker.make(10)
    store.seal()
    assert len(store) == 0
    assert store.peek(5) is None
    assert store.high_water == 0
    assert store.next_seq == 0
    assert store.evict(None, "full") == 0


def items_leave_in_order_whatever_the_limit(maker):
    for limit in (1, 2, 3, 7, 64):
        store = maker.make(50)
        maker.fill(store, 0, 40)
        assert len(store) == 40
        assert maker.drain(store, limit) == list(range(40))
        assert len(store) == 0
        assert store.high_water == 40
        assert store.next_seq == 40


def peek_again_begins_at_the_same_item(maker):
    store = maker.make(20)
    maker.fill(store, 0, 10)
    store.seal()
    first = maker.read(store.peek(4))
    assert first[0] == 0
    assert maker.read(store.peek(2))[0] == 0
    store.release()
    assert store.pinned == 0
    assert maker.drain(store, 3) == list(range(10))


def commit_of_a_part_leaves_the_rest_first_in_line(maker):
    store = maker.make(20)
    maker.fill(store, 0, 10)
    store.seal()
    n = len(store.peek(8))
    k = n // 2
    store.commit(k)
    assert len(store) == 10 - k
    assert store.pinned == 0
    assert maker.drain(store, 4) == list(range(k, 10))


def commit_beyond_the_batch_is_refused(maker):
    store = maker.make(20)
    maker.fill(store, 0, 10)
    store.seal()
    n = len(store.peek(4))
    try:
        store.commit(n + 1)
        raise AssertionError("committed more than was pinned")
    except ValueError:
        pass
    store.release()
    assert maker.drain(store, 4) == list(range(10))


def pushes_during_a_flight_come_behind(maker):
    store = maker.make(40)
    maker.fill(store, 0, 10)
    store.seal()
    batch = store.peek(5)
    maker.fill(store, 10, 20)
    got = maker.read(batch)
    store.commit(len(batch))
    assert got + maker.drain(store, 6) == list(range(20))


def a_full_store_refuses_and_changes_nothing(maker):
    store = maker.make(10)
    n = 0
    while store.push(maker.item(n)):
        n += 1
    assert n >= 10
    assert len(store) == n
    assert not store.push(maker.item(n))
    assert maker.drain(store, 8) == list(range(n))
    assert store.high_water == n


def evict_takes_the_oldest_and_counts_it(maker):
    store = maker.make(10)
    n = 0
    while store.push(maker.item(n)):
        n += 1
    told = []
    lost = store.evict(lambda *what: told.append(what), "overflow")
    assert lost >= 1
    assert lost == 1 or maker.whole
    assert store.evicted_at == 0
    assert len(told) >= 1
    assert told[0][-1].startswith("overflow")
    assert len(store) == n - lost
    assert maker.drain(store, 8) == list(range(lost, n))


def pinned_items_are_never_evicted(maker):
    store = maker.make(30)
    n = 0
    while store.push(maker.item(n)):
        n += 1
    batch = store.peek(4)
    pinned = len(batch)
    lost = 0
    while k := store.evict(None, "overflow"):
        lost += k
        assert len(store) == n - lost
    got = maker.read(store.peek(4))
    assert got == list(range(pinned))
    store.commit(pinned)
    rest = maker.drain(store, 8)
    assert len(rest) == n - lost - pinned
    assert rest == list(range(n - len(rest), n))


def discard_tells_of_each_item(maker):
    store = maker.make(20)
    maker.fill(store, 0, 6)
    store.seal()
    told = []
    assert len(store.peek(1)) == 1
    store.discard(1, lambda *what: told.append(what), "bad")
    assert len(told) == 1
    assert told[0][-1].startswith("bad")
    assert maker.drain(store, 4) == list(range(1, 6))


def fused_adds_ask_where_the_grant_ends(maker):
    store = maker.make(64)
    asked = []

    def slow(item):
        asked.append(len(store))
        return store.push(item)

    add = store.fuse(slow)
    assert add(maker.item(0))
    assert asked == [0]
    store.grant(5)
    for i in range(1, 6):
        assert add(maker.item(i))
    assert len(store) == 6
    assert len(asked) <= 2  # blocks and rings may end: a store asks earlier, never later
    before = len(asked)
    assert add(maker.item(6))
    assert len(asked) == before + 1
    assert maker.drain(store, 64) == list(range(7))


def years_of_items_pass_through(maker):
    store = maker.make(12)
    sent = got = 0
    for round in range(200):
        for _ in range(1 + round % 11):
            assert store.push(maker.item(sent))
            sent += 1
        for i in maker.drain(store, 1 + round % 5):
            assert i == got
            got += 1
    assert got == sent == store.next_seq
    assert len(store) == 0


ALL = (
    empty_store_gives_nothing,
    items_leave_in_order_whatever_the_limit,
    peek_again_begins_at_the_same_item,
    commit_of_a_part_leaves_the_rest_first_in_line,
    commit_beyond_the_batch_is_refused,
    pushes_during_a_flight_come_behind,
    a_full_store_refuses_and_changes_nothing,
    evict_takes_the_oldest_and_counts_it,
    pinned_items_are_never_evicted,
    discard_tells_of_each_item,
    fused_adds_ask_where_the_grant_ends,
    years_of_items_pass_through,
)


def run(maker):
    for check in ALL:
        check(maker)
