"""A spool on other file systems, and on one that is full or fails in the middle (MicroPython)."""

import gc
import os

import vfs

from batcher.items import Items
from batcher.ring import Ring
from batcher.spool import Spool
from batcher.tiered import Tiered
from kit.nor import Nor


class Disk:
    """A memory card in RAM: blocks of 512 bytes that are simply overwritten."""

    def __init__(self, blocks):
        self.data = bytearray(blocks * 512)

    def readblocks(self, block, buf):
        buf[:] = self.data[block * 512 : block * 512 + len(buf)]

    def writeblocks(self, block, buf):
        self.data[block * 512 : block * 512 + len(buf)] = buf

    def ioctl(self, op, arg):
        return {4: len(self.data) // 512, 5: 512}.get(op, 0)


def start(boot, quota, said):
    spool = Spool(
        "/x/kept/readings",
        quota,
        codec=Items(lambda i: b"%012d" % i, int),
        boot=b"boot%04d" % boot,
        say=said.append,
    )
    return Tiered(Ring(100), spool)


def fill(store, first, n):
    for i in range(first, first + n):
        if not store.push(i):
            store.spill(False)
            assert store.push(i)


def drain(store, first):
    while batch := store.peek(50):
        assert batch == list(range(first, first + len(batch))), (first, batch)
        first += len(batch)
        store.commit(len(batch))
    return first


def fat():
    disk = Disk(2000)
    vfs.VfsFat.mkfs(disk)
    said = []
    for life in range(4):
        vfs.mount(vfs.VfsFat(disk), "/x")
        store = start(life, 300_000, said)
        assert len(store) == 2500 * life, len(store)
        fill(store, 2500 * life, 2500)
        assert store.spill_all() == 0
        store.spool.close()
        vfs.umount("/x")
    vfs.mount(vfs.VfsFat(disk), "/x")
    store = start(9, 300_000, said)
    assert drain(store, 0) == 10_000 and store.lost == 0 and not said, said
    assert not [name for name in os.listdir("/x/kept/readings") if name[0] == "s"]
    store.spool.close()
    vfs.umount("/x")
    print("FAT 10000")


def mounted(blocks):
    gc.collect()
    nor = Nor(blocks)
    vfs.VfsLfs2.mkfs(nor, progsize=256)
    vfs.mount(vfs.VfsLfs2(nor, progsize=256), "/x")
    return nor


def quota_above_the_free_space():
    mounted(20)
    said = []
    store = start(1, 10_000_000, said)
    assert len(said) == 1 and "room is for" in said[0] and store.spool.quota < 20 * 4096, said
    fill(store, 0, 20_000)
    assert len(said) == 1 and store.lost > 0 and not store.spool.broken, said
    assert drain(store, store.lost) == 20_000
    store.spool.close()
    vfs.umount("/x")
    print("QUOTA", said[0])


def full_in_the_middle():
    mounted(40)
    said = []
    store = start(1, 100_000, said)
    fill(store, 0, 1000)
    assert store.spill_all() == 0
    with open("/x/other", "wb") as other:  # somebody else takes the rest
        try:
            while True:
                other.write(bytes(4096))
                other.flush()
        except OSError:
            pass
    for i in range(1000, 1050):  # RAM has room
        assert store.push(i)
    store.spill(False)
    # It goes on with what there is: the oldest segment goes, and every item of it is counted.
    n = 1050
    while n < 4000:
        if store.push(n) or (store.spill(False) and store.push(n)):
            n += 1
        else:
            break
    assert len(said) <= 1 and len(store) + store.lost == n, (said, len(store), store.lost, n)
    os.remove("/x/other")
    store.spool.revive()
    assert store.spill_all() == 0
    assert drain(store, store.lost) == n
    store.spool.close()
    vfs.umount("/x")
    print("FULL", n, said)


def failing_in_the_middle():
    nor = mounted(60)
    said = []
    store = start(1, 120_000, said)
    fill(store, 0, 1050)
    assert store.spill_all() == 0
    nor.error = 5
    assert store.spool.end == 1050
    for i in range(1050, 1150):
        assert store.push(i)
    for now in range(5):
        assert not store.push(-1) and store.spill() == 0
        assert store.tick(1000 + now, False) > 0
    assert len(said) == 1 and "RAM" in said[0] and len(store) == 1150, said
    nor.error = 0
    store.tick(100_000, False)
    assert store.spill_all() == 0
    assert drain(store, 0) == 1150 and store.lost == 0
    store.spool.close()
    vfs.umount("/x")
    print("EIO", said[0])


def failing_from_the_start():
    nor = mounted(60)
    nor.error = 5
    said = []
    store = start(1, 120_000, said)
    assert store.spool.broken and len(said) == 1, said
    for i in range(100):
        assert store.push(i)
    assert store.spill() == 0 and len(store) == 100 and len(said) == 1
    nor.error = 0
    store.tick(1, False)
    assert store.spill_all() == 0 and drain(store, 0) == 100
    store.spool.close()
    vfs.umount("/x")
    print("START", said[0])


fat()
quota_above_the_free_space()
full_in_the_middle()
failing_in_the_middle()
failing_from_the_start()
