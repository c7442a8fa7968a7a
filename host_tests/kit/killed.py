"""A board with its flash in a file, to be killed: stores items, delivers some, says what it did.

    micropython killed.py IMAGE LIFE [drain]

Lines: `S n`: items 0 to n - 1 of this life are stored; `D boot first v v v`: handed over.
"""

import os
import random
import sys

import vfs

from batcher.bootfile import BootFile
from batcher.items import Items
from batcher.ring import Ring
from batcher.spool import Spool
from batcher.tiered import Tiered

BLOCKS = 96
QUOTA = 300_000  # each life leaves a segment: none may be dropped


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


def main(image, life, drain):
    nor = FileNor(image)
    if nor.new:
        vfs.VfsLfs2.mkfs(nor, progsize=256)
    vfs.mount(vfs.VfsLfs2(nor, progsize=256), "/flash")
    boot = BootFile("/flash/spool")
    spool = Spool(
        "/flash/spool",
        QUOTA,
        codec=Items(str.encode, bytes.decode),
        boot=boot.boot,
        ack_bytes=500,
        segment_blocks=2,
    )
    store = Tiered(Ring(200), spool)
    n = 0

    def deliver():
        batch = store.peek(30)
        if batch is None:
            return False
        name = store.boot or boot.boot
        numbers = " ".join(batch)
        print("D", "".join(["%02x" % b for b in name]), store.first, numbers)
        store.commit(len(batch))
        return True

    if drain:
        while deliver():
            pass
        print("END", len(store), spool.lost)
        spool.close()
        vfs.umount("/flash")
        return
    while True:
        for _ in range(random.getrandbits(6)):
            if not store.push("%d:%d" % (life, n)):
                break
            n += 1
        if random.getrandbits(1):
            store.spill(random.getrandbits(1) == 0)
            if store.unsaved == 0:
                print("S", n)
        if random.getrandbits(2) == 0:
            deliver()
        while len(store) > 800:  # or the quota would drop some
            deliver()
        if spool.lost:
            print("LOST", spool.lost, spool.quota)
            return


main(sys.argv[1], int(sys.argv[2]), "drain" in sys.argv)
