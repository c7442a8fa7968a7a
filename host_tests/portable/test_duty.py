"""Duty cycle: many wakes, each with nothing but what lay in RTC memory or in a file. None lost."""

# heap: 1m

import gc
import os
import sys

from batcher.duty import Duty
from batcher.nap import Nap
from batcher.port import asyncio, format_exc
from batcher.schema import Schema
from batcher.timebase import boot
from kit.check import raises

A = Schema("a", (("x", "count", 0),))
B = Schema("b", (("y", "count", 0), ("z", "count", 0)))
HOUR = 3600000


class Asleep(Exception):
    pass


class Machine:
    """Deep sleep that ends the wake, RTC memory that outlives it, as ESP32 has them."""

    def __init__(self):
        self.memory_bytes = b""
        self.slept = []
        machine = self

        class RTC:
            def memory(self, data=None):
                if data is None:
                    return machine.memory_bytes
                assert len(data) <= 2048
                machine.memory_bytes = bytes(data)
                return None

        self.RTC = RTC

    def deepsleep(self, ms):
        self.slept.append(ms)
        raise Asleep()


class Chip:
    def __init__(self, schema, world):
        self.schema = schema
        self._world = world
        self._asked = False

    def measure(self, row):
        world = self._world
        if world.broken in (self.schema.name, "all"):
            raise OSError("unplugged")
        if not self._asked:
            self._asked = True
            return 1
        self._asked = False
        n = world.made.get(self.schema.name, 0)
        world.made[self.schema.name] = n + 1
        for i in range(len(self.schema.fields)):
            row[1 + i] = world.level + n + i
        return 0


class World:
    """Everything outside of the board."""

    def __init__(self, rtc_bytes=2048, keep=None, every=4, ms=HOUR, limits=None, path="duty_test"):
        self.machine = Machine()
        self.rtc_bytes = rtc_bytes
        self.path = path
        self.made = {}
        self.level = 0
        self.broken = None
        self.fails = False
        self.uploads = 0
        self.boots = set()
        self.got = {}  # (boot, series, number) -> (time, values)
        self.repeats = 0
        self.other = B
        self.epoch = None  # Unix seconds of the first start
        self.offsets = []  # what every reading was sent with
        self.config = {
            "duty": {"every_ms": ms, "upload_every": every, "keep": keep, "awake_ms": 5000},
            "batcher": {"memory": 2048},
            "sntp": [],
        }
        self.limits = limits
        self.forget()

    def forget(self):
        for name in (self.path, self.path + "2"):
            try:
                os.remove(name)
            except OSError:
                pass

    def wake(self):
        class Hardware:
            port = "unix"
            rtc_bytes = self.rtc_bytes
            machine = self.machine
            drivers = [(Chip(A, self), 1, self.limits), (Chip(self.other, self), 1, None)]

        if sys.implementation.name == "micropython":
            gc.collect()  # a wake begins with an empty heap
        try:
            asyncio.run(Duty(self.config, Hardware, self.make, self.path).run())
        except Asleep:
            return
        raise AssertionError("it did not sleep")

    def make(self, config, hardware, name, memory):
        return Station(self, [driver.schema for driver, _, _ in hardware.drivers], name, memory)

    def whole(self, series):
        """-> how many of a series arrived, without a gap or a repeat in their numbers."""
        numbers = sorted([key[2] for key in self.got if key[1] == series])
        assert numbers == list(range(len(numbers))), numbers
        return len(numbers)


class Uplink:
    closed = 0

    async def close(self):
        Uplink.closed += 1


class Station:
    link = None
    uplink = Uplink()

    def __init__(self, world, schemas, name, memory):
        from batcher.batcher import Batcher
        from batcher.records import RecordRing

        self._world = world
        self._name = name
        self.sntp = self
        world.uploads += 1
        if world.epoch is not None:
            world.config["sntp"] = ["time"]
        self.batcher = Batcher(
            store=RecordRing(schemas, memory), batch_size=7, on_error=self._failed
        )
        self.batcher.register_handler(self._send)

    async def sync(self):
        slept = sum(self._world.machine.slept)
        boot.set_epoch(self._world.epoch + slept // 1000, slept % 1000)

    def _failed(self, exc):
        assert "offline" in format_exc(exc), format_exc(exc)

    def _send(self, batch):
        world = self._world
        if world.fails == "all":
            raise OSError("offline")
        batch.rewind()
        while batch.next_block():
            row = batch.schema.row()
            number = batch.first
            first = batch.time
            while batch.next_row(row):
                time = first + (row[0] - first & 0x3FFFFFFF)
                key = (self._name, batch.schema.name, number)
                value = (time, list(row)[1 : 1 + len(batch.schema.fields)])
                if key in world.got:
                    world.repeats += 1
                    assert world.got[key] == value, (key, world.got[key], value)
                world.got[key] = value
                world.offsets.append(boot.offset())
                number += 1
        world.boots.add(self._name)
        if world.fails == "answer":  # taken, and the answer lost
            raise OSError("offline")


def test_every_reading_of_many_wakes_arrives_once_under_one_name():
    for rtc in (2048, 0):
        world = World(rtc)
        Uplink.closed = 0
        for _ in range(60):
            world.wake()
        assert world.uploads == 15 and len(world.boots) == 1 and world.repeats == 0
        assert Uplink.closed == 15  # awaited: MQTT says goodbye
        assert world.whole("a") == world.whole("b") == 60
        for key in world.got:  # numbers, values and hours belong together
            time, values = world.got[key]
            assert values[0] == key[2]
            assert abs(time - key[2] * HOUR) < HOUR // 4, (time, key)
        assert all([0 < ms <= HOUR for ms in world.machine.slept])
        assert bool(world.machine.memory_bytes) == (rtc > 0)
        world.forget()


def test_failed_uploads_are_repeated_under_the_same_names():
    world = World(every=3)
    for i in range(30):
        world.fails = "all" if i % 9 < 5 else "answer" if i % 9 < 7 else False
        world.wake()
    world.fails = False
    for _ in range(3):
        world.wake()
    assert world.whole("a") == world.whole("b") == 33
    assert world.repeats > 0 and len(world.boots) == 1


def test_a_crossed_limit_is_sent_at_once_and_once():
    world = World(every=1000, limits={"x": [None, 500]})
    for _ in range(5):
        world.wake()
    assert world.uploads == 0
    world.level = 600
    world.wake()
    assert world.uploads == 1 and world.whole("a") == 6
    world.wake()  # still beyond it: no news
    assert world.uploads == 1
    world.level = 0
    world.fails = "all"
    world.wake()  # it comes back, and that fails
    world.fails = False
    world.wake()  # so the next wake tells it
    assert world.uploads == 3 and world.whole("a") == 9


def test_room_that_runs_out_sends_and_what_is_lost_is_counted():
    world = World(keep=512, every=1000)
    for _ in range(40):
        world.wake()
    assert world.uploads == 2 and world.repeats == 0
    world.fails = "all"
    for _ in range(60):
        world.wake()
    world.fails = False
    for _ in range(20):
        world.wake()
    nap = Nap([A, B], 512)
    assert nap.load(world.machine.memory_bytes)
    held = len(list(nap.each()))
    assert nap.dropped > 0 and len(world.got) + nap.dropped + held == 240


def test_a_chip_that_fails_misses_its_wake_and_delays_no_other():
    world = World(every=2)
    for i in range(8):
        world.broken = "a" if i in (2, 3, 6) else None
        world.wake()
    assert world.whole("a") == 5 and world.whole("b") == 8


def test_more_than_six_days_between_uploads_keep_their_time():
    # Ticks wrap after 12.4 days, and their difference is known for half of that.
    for days in (1, 1.3, 2.5, 6.2, 13):
        ms = int(86400000 * days)
        world = World(every=10, ms=ms)
        world.epoch = 1800000000
        for _ in range(20):
            world.wake()
        assert world.whole("a") == world.whole("b") == 20
        for key in world.got:
            assert abs(world.got[key][0] - key[2] * ms) < HOUR, (days, key, world.got[key])
        offsets = [offset - world.epoch * 1000 for offset in world.offsets]
        assert len(offsets) == 40 and max(abs(n) for n in offsets) < 1000, (days, offsets)


def test_what_was_measured_weeks_before_the_upload_keeps_its_time():
    world = World(every=4, ms=4 * 86400000)
    world.wake()
    world.broken = "all"
    for _ in range(3):
        world.wake()
    assert world.whole("a") == world.whole("b") == 1
    assert abs(world.got[(list(world.boots)[0], "a", 0)][0]) < HOUR, world.got


# Readings that are blocks of their own, and a store that is sized by wide rows that fail.
WIDE = Schema("b", tuple([("f%d" % i, "count", 0) for i in range(12)]))
FULLER = ((B, 2 * 86400000), (WIDE, HOUR))


def test_more_than_the_store_holds_leaves_in_turns():
    for other, ms in FULLER:
        world = World(rtc_bytes=0, keep=4096, every=100000, ms=ms)
        world.other = other
        world.broken = "b"
        for _ in range(330):
            world.wake()
        nap = Nap([A, other], 4096)
        with open(world.path, "rb") as file:
            assert nap.load(file.read())
        assert nap.dropped == 0 and world.uploads > 0
        assert world.whole("a") + len(list(nap.each())) == world.made["a"] == 330
        for key in world.got:
            assert abs(world.got[key][0] - key[2] * ms) < HOUR // 4, (key, world.got[key])
        world.forget()


def test_an_upload_in_turns_that_fails_ends_and_is_repeated():
    for other, ms in FULLER:
        world = World(rtc_bytes=0, keep=4096, every=100000, ms=ms)
        world.other = other
        world.broken = "b"
        world.fails = "all"
        while not world.uploads:
            world.wake()
        assert not world.got and len(world.machine.slept) == world.made["a"]
        world.fails = False
        world.wake()
        nap = Nap([A, other], 4096)
        with open(world.path, "rb") as file:
            assert nap.load(file.read())
        assert not nap.rows and nap.dropped == 0 and world.whole("a") == world.made["a"]
        world.forget()


def test_memory_that_is_not_ours_is_a_boot():
    for junk in (b"", b"junk", b"BNP1" + bytes(80)):
        world = World()
        world.machine.memory_bytes = junk
        for _ in range(4):
            world.wake()
        assert world.whole("a") == 4
    good = world.machine.memory_bytes
    nap = Nap([A, B], 2048)
    assert nap.load(good)
    for i in range(len(good)):  # any byte that flips is seen
        bad = bytearray(good)
        bad[i] ^= 4
        assert not Nap([A, B], 2048).load(bytes(bad))
    assert not Nap([B, A], 2048).load(good)  # other series
    with raises(ValueError, "duty.keep: found 50, too small"):
        Nap([A, B], 50)
