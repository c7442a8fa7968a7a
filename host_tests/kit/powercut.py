"""Cut the power at every flash operation of a run, in every way, and look at what is left.

Runs on MicroPython, where the real littlefs is. A run fills, spills, delivers, overflows its
quota and restarts, on simulated NOR flash. Before each program and each erase, for each way of
cutting it (kit/nor.py), a copy of the flash as it would be then is mounted by a new spool:

- what was acknowledged as stored is there, in order, byte for byte, under its name;
- nothing that was not delivered, or told as dropped, is missing; nothing is there that was
  never written;
- the second life takes new items, and a third life finds them behind the old ones.

Now and then the run itself goes on from such a flash: recovery is cut too.

    micropython host_tests/kit/powercut.py ring|records CUTS SEED [no-flush]
"""

import gc
import random
import sys

import vfs

from batcher import spoollog
from batcher.flashblocks import FlashBlocks
from batcher.items import Items
from batcher.records import RecordRing
from batcher.ring import Ring
from batcher.schema import Schema
from batcher.spool import Spool
from batcher.tiered import Tiered
from batcher.timebase import Timebase
from kit.nor import WAYS, Nor, cut

BLOCKS = 24
QUOTA = 24576
_SCHEMA = Schema("counts", [("count", "count", 0), ("noise", "lx", 0), ("more", "Cel", -2)])


def _noise(i):
    return i * 7919 % 1013


class Rings:
    """Items of 16 bytes in a Ring."""

    def ram(self):
        return Ring(120)

    def codec(self, ram):
        return Items(self.dump, self.load, 500)

    @staticmethod
    def dump(i):
        return b"%08d%08d" % (i, _noise(i))

    @staticmethod
    def load(data):
        i = int(data[:8])
        assert len(data) == 16 and int(data[8:]) == _noise(i), "wrong bytes: %r" % data
        return i

    def item(self, i):
        return i

    def read(self, spool, batch):
        return spool.first, list(batch)


class Records:
    """Rows of time and three values in a RecordRing, sealed blocks on flash."""

    def __init__(self):
        self.row = _SCHEMA.row()

    def ram(self):
        return RecordRing(_SCHEMA, 3200, 16, Timebase())

    def codec(self, ram):
        return FlashBlocks(ram)

    def item(self, i):
        row = self.row
        row[0] = 1000 * i & 0x3FFFFFFF
        row[1] = i
        row[2] = _noise(i)
        row[3] = -i
        return row

    def read(self, spool, batch):
        row = self.row
        got = []
        batch.rewind()
        first = None
        while batch.next_block():
            if first is None:
                first = batch.first
            for _ in range(batch.count):
                batch.next_row(row)
                i = row[1]
                good = row[0] == 1000 * i & 0x3FFFFFFF and row[2] == _noise(i) and row[3] == -i
                assert good, "wrong row: %r" % row
                got.append(i)
        return first, got


class Life:
    """A mounted flash with a tiered store on it."""

    def __init__(self, kind, nor, where, boot):
        self.nor = nor
        self.where = where
        vfs.mount(vfs.VfsLfs2(nor, progsize=256), where)
        ram = kind.ram()
        self.said = []
        self.spool = Spool(
            where + "/spool",
            QUOTA,
            codec=kind.codec(ram),
            boot=boot,
            segment_blocks=2,
            ack_bytes=700,
            frame_bytes=1024,
            say=self.said.append,
        )
        self.store = Tiered(ram, self.spool)

    def end(self):
        """Let go of everything without a clean end: the power is off."""
        spool = self.spool
        spool.reader.close()
        spool._drop()
        if spool._ack:
            spool._ack.close()
        vfs.umount(self.where)


class Run:
    """One run and its model: items are numbered, `sent` have been pushed in all."""

    def __init__(self, kind, wanted, seed):
        random.seed(seed)
        self.kind = kind
        self.wanted = wanted
        self.cuts = self.failures = self.restarts = self.recovered = self.drops = 0
        self.sent = 0
        self.stored = 0  # items before this are acknowledged as stored, or were delivered
        self.delivered = 0
        self.dropped = 0  # items before this are told as dropped
        self.names = {}  # boot -> number of the item that has sequence number 0 there
        self.boots = 0
        self.dying = None
        self.offline = self.following = False
        self.turn = 0
        self.behind = 0  # batches read from the segment that was being written
        self.noise = bytes([random.getrandbits(8) for _ in range(Nor.block)])
        self.scratch = Nor(BLOCKS)
        self.offset = 0  # number of an item less its index in the spool
        self.life = self.start(Nor(BLOCKS), True)

    def boot(self):
        self.boots += 1
        boot = b"boot%04d" % self.boots
        self.names[boot] = self.sent
        return boot

    def start(self, nor, new=False):
        if new:
            vfs.VfsLfs2.mkfs(nor, progsize=256)
        nor.watch = self.watch
        life = Life(self.kind, nor, "/run", self.boot())
        life.spool.tell = self.told
        return life

    def told(self, what, *more):
        if self.life.nor.dead:
            return  # nothing that this life still does matters
        self.drops += 1
        if what is None or what == -1:
            self.failures += 1
            if self.failures <= 3:
                print("FAILED: unreadable", more)
        else:  # the oldest, in order: an item and the reason, or first, count and the reason
            front = self.life.spool.index + self.offset
            self.dropped = max(self.dropped, front) + (1 if len(more) == 1 else more[0])

    def watch(self, nor, op, block, at, data):
        if self.cuts >= self.wanted:
            return
        dying = self.dying
        for way in WAYS:
            image = self.scratch.image
            image[:] = nor.image
            cut(image, way, op, at, data, self.noise)
            self.cuts += 1
            self.verify(way, op)
            if dying == way:
                cut(nor.image, way, op, at, data, self.noise)
                nor.dead = True
                self.dying = None
                return

    def verify(self, way, op):
        try:
            self.lives()
        except Exception as exc:
            self.failures += 1
            if self.failures <= 3:
                print("FAILED at cut", self.cuts, op, way)
                sys.print_exception(exc)
            try:
                vfs.umount("/cut")
            except OSError:
                pass

    def drain(self, life):
        got = []
        while True:
            batch = life.store.peek(64)
            if batch is None:
                break
            first, some = self.kind.read(life.spool, batch)
            boot = life.spool.batch_boot
            if boot in self.names:
                assert some[0] - first == self.names[boot], ("name", boot, first, some[0])
            got += some
            life.store.commit(len(batch))
        if got:
            assert got == list(range(got[0], got[0] + len(got))), "order: %r" % got
        return got

    def lives(self):
        nor = Nor(BLOCKS, self.scratch.image)
        life = Life(self.kind, nor, "/cut", b"life-two")
        try:
            assert not life.said, life.said
            assert not life.spool.broken
            base = self.sent
            n = len(life.spool)
            for i in range(base, base + 5):
                assert life.store.push(self.kind.item(i))
            assert life.store.spill_all() == 0
            lost = life.spool.lost  # to the quota: this life's segment needs room as well
            n -= lost
        finally:
            life.end()
        life = Life(self.kind, nor, "/cut", b"life-tri")
        try:
            assert len(life.spool) == n + 5, "new items: %d and %d" % (n, len(life.spool))
            got = self.drain_split(life, n)
            assert life.spool.lost == 0
        finally:
            life.end()
        first = got[0] if got else self.stored
        end = got[-1] + 1 if got else self.stored
        gone = max(self.delivered, self.dropped)
        assert first <= gone + lost, (first, self.delivered, self.dropped, lost)
        assert got or self.stored <= gone + lost, "all gone"
        assert end >= self.stored, "lost: %d of %d" % (end, self.stored)
        assert end <= self.sent, "never written"

    def drain_split(self, life, n):
        # The old items, then the five of the second life.
        got = []
        while len(got) < n:
            batch = life.store.peek(64)
            first, some = self.kind.read(life.spool, batch)
            boot = life.spool.batch_boot
            if boot in self.names:
                assert some[0] - first == self.names[boot], ("name", boot, first, some[0])
            got += some
            life.store.commit(len(batch))
        assert len(got) == n
        if got:
            assert got == list(range(got[0], got[0] + n)), "order"
            self.recovered += n
        new = self.drain(life)
        assert new == list(range(self.sent, self.sent + 5)), "the second life's: %r" % new
        return got

    def step(self):
        life = self.life
        store = life.store
        dice = random.getrandbits(4)
        if self.offline and dice > 11:
            dice = 0
        if self.following:  # the segment being written is read, as near to its end as can be
            dice = (0, 10, 13)[self.turn]
            self.turn = (self.turn + 1) % 3
        if dice < 9:
            for _ in range(random.getrandbits(6)):
                if not store.push(self.kind.item(self.sent)):
                    store.spill()
                    if life.nor.dead:
                        return
                    assert store.push(self.kind.item(self.sent))
                self.sent += 1
        elif dice < 11:
            store.spill(not self.following)
        elif dice == 11:
            store.spill_all()
        else:
            for _ in range(1 + random.getrandbits(2)):
                store.seal()
                if self.following and len(store) < 80:
                    break
                batch = store.peek(20 if self.following else 40)
                if batch is None or life.nor.dead:
                    break
                spool = life.spool
                self.behind += spool.reader.number == spool._last and spool.size > 0
                flash = store._from is spool
                first, some = self.kind.read(spool, batch) if flash else (0, None)
                if some and life.spool.batch_boot in self.names:
                    assert some[0] - first == self.names[life.spool.batch_boot]
                if dice == 12:
                    store.release()
                    break
                # From here on the handler has said yes: it may come again, or not.
                self.delivered = max(self.delivered, self.sent - len(store) + len(batch))
                store.commit(len(batch))
        if not life.nor.dead:
            self.stored = max(self.stored, self.sent - store.unsaved)

    def go(self):
        steps = 0
        while self.cuts < self.wanted:
            steps += 1
            self.following = steps % 200 < 80
            self.offline = 80 < steps % 200 < 170  # long enough for the quota to overflow
            self.step()
            if steps % 8 == 0:
                gc.collect()
            # A restart begins a segment: while it follows, that is to be rare.
            if random.getrandbits(7 if self.following else 4) == 0:
                self.dying = WAYS[random.getrandbits(2)]
            if self.life.nor.dead:
                self.restart()
        self.life.nor.watch = None
        self.life.end()

    def restart(self):
        self.restarts += 1
        self.life.end()
        nor = Nor(BLOCKS, self.life.nor.image)
        life = self.start(nor)
        # What it holds now is what there is; what was in RAM alone is gone, and sent again.
        n = len(life.spool)
        if n:
            batch = life.store.peek(1)
            _, some = self.kind.read(life.spool, batch)
            life.store.release()
            self.delivered = self.dropped = some[0]
            self.offset = some[0] - life.spool.index
            self.sent = some[0] + n
        else:
            self.sent = self.stored = max(self.stored, self.delivered)
            self.delivered = self.dropped = self.sent
            self.offset = self.sent - life.spool.index
        self.stored = self.sent
        self.names[b"boot%04d" % self.boots] = self.sent
        self.life = life


def run(kind: str, wanted: int, seed: int = 1, flush: bool = True):
    """-> the Run, after `wanted` cuts. flush False: the negative control."""
    sync = spoollog.sync
    if not flush:
        spoollog.sync = lambda file: None
    try:
        run = Run(Rings() if kind == "ring" else Records(), wanted, seed)
        run.go()
        return run
    finally:
        spoollog.sync = sync


if __name__ == "__main__":
    result = run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), "no-flush" not in sys.argv)
    print(
        "CUTS %d FAILURES %d RESTARTS %d RECOVERED %d DROPS %d BEHIND %d"
        % (
            result.cuts,
            result.failures,
            result.restarts,
            result.recovered,
            result.drops,
            result.behind,
        )
    )
