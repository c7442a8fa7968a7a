"""A board with its flash in a file, to be killed: it takes readings, stores them and delivers
them by HTTP to a real collector, with an up and down of the link, and says what is safe.

    micropython killed.py IMAGE URL LIFE [run | drain | take N | offer N]

Lines: `B boot` at the start; `S n`: readings 0 to n - 1 of this life are on flash, or delivered.
"""

import os
import random
import sys
from binascii import hexlify

import vfs

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.identity import Identity
from batcher.keep import keep
from batcher.port import asyncio
from batcher.records import RecordRing
from batcher.schema import Schema
from batcher.uplink.enc_rows import RowsEncoder
from batcher.uplink.http import HttpUplink

BLOCKS = 128
QUOTA = 400_000  # each life leaves a segment: none may be dropped
COUNTS = Schema("counts", [("life", "count", 0), ("i", "count", 0)])


class FileNor:
    """Flash in a file: what was written stays when the process is killed."""

    def __init__(self, path):
        try:
            size = os.stat(path)[6]
        except OSError:
            size = 0
        self.new = size != BLOCKS * 4096
        if self.new:
            with open(path, "wb") as file:
                for _ in range(BLOCKS):
                    file.write(b"\xff" * 4096)
        self.file = open(path, "r+b")  # noqa: SIM115 (open as long as the process lives)

    def readblocks(self, block, buf, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.write(buf)

    def ioctl(self, op, arg):
        if op == 6:
            self.writeblocks(arg, b"\xff" * 4096)
        return {4: BLOCKS, 5: 4096}.get(op, 0)


class Board:
    """What station.py wires, with counted readings in place of sensors."""

    def __init__(self, image, url, life):
        nor = FileNor(image)
        if nor.new:
            vfs.VfsLfs2.mkfs(nor, progsize=256)
        vfs.mount(vfs.VfsLfs2(nor, progsize=256), "/flash")
        ring = RecordRing(COUNTS, 4096, 16)
        self.store = keep(ring, {"path": "/flash/spool", "quota": QUOTA, "unsaved_ms": 10})
        boot = hexlify(self.store.spool.boot).decode()
        self.batcher = Batcher(
            store=self.store,
            overflow="spill",
            interval_ms=15,
            batch_size=40,
            backoff=Backoff(5, 20),
            on_error=lambda exc: None,
        )
        self.uplink = HttpUplink(url, RowsEncoder(), Identity("board", boot), source=self.batcher)
        self.batcher.register_handler(self.send)
        self.row = COUNTS.row()
        self.row[1] = life
        self.n = 0
        self.up = True
        self.left = -1  # batches that may still go; -1: no end
        print("B", boot, self.store.spool.lost)

    async def send(self, batch):
        if not self.up or not self.left:
            raise OSError(113, "the link is down")
        self.left -= 1
        result = await self.uplink.send(batch)
        print("D", len(batch))
        return result

    def take(self, n):
        for _ in range(n):
            self.row[0] = self.n & 0x3FFFFFFF
            self.row[2] = self.n
            assert self.batcher.add(self.row)
            self.n += 1

    async def run(self):
        self.batcher.start()
        said = 0
        for turn in range(100_000):
            if turn % 8 == 0:
                self.up = random.getrandbits(2) == 0 or len(self.store) > 3000
            if len(self.store) < 4000:
                self.take(random.getrandbits(5))
            stored = self.n - self.store.unsaved
            if stored != said:
                said = stored
                print("S", said)
            await asyncio.sleep_ms(random.getrandbits(2))

    async def drain(self):
        while not await self.batcher.flush(5000):
            await asyncio.sleep_ms(5)
        await self.batcher.close()
        print("END", len(self.store), self.store.spool.lost)

    async def offer(self, n):
        """Deliver n batches and no more: their note on flash is not due yet. Then wait."""
        self.left = n
        self.batcher.start()
        while self.left:
            await asyncio.sleep_ms(5)
        await asyncio.sleep_ms(50)
        print("OFFERED")
        await asyncio.sleep_ms(60_000)


def main(image, url, life, what="run", n="0"):
    board = Board(image, url, int(life))
    if what == "take":
        board.take(int(n))
        print("S", board.n - board.store.spill_all())
    elif what == "offer":
        asyncio.run(board.offer(int(n)))
    else:
        asyncio.run(board.drain() if what == "drain" else board.run())


main(*sys.argv[1:])
