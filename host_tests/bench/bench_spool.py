"""Flash: writes and erases a reading, recovery, heap, and power cuts, on simulated NOR flash
(pages of 256 bytes, blocks of 4096) under real littlefs."""

import gc
import os
import random

import vfs

from batcher.flashblocks import FlashBlocks
from batcher.port import ticks_diff, ticks_us
from batcher.records import RecordRing
from batcher.schema import Schema
from batcher.segment import FRAME
from batcher.spool import Spool
from batcher.tiered import Tiered
from batcher.timebase import Timebase
from kit import powercut, scratch
from kit.nor import Nor

BME = Schema("bme280", [("temperature", "Cel", -2), ("pressure", "Pa", 0), ("humidity", "%RH", -2)])
N = 20_000


def mounted(blocks):
    gc.collect()
    nor = Nor(blocks)
    vfs.VfsLfs2.mkfs(nor, progsize=256)
    vfs.mount(vfs.VfsLfs2(nor, progsize=256), "/flash")
    nor.programs = nor.programmed = nor.erases = nor.reads = nor.read = 0
    return nor


class Walk:
    """Rows of a calm BME280: 1 s apart with a few ms of jitter."""

    def __init__(self):
        random.seed(4)
        self.row = BME.row()
        self.t = 0
        self.values = [2143, 101325, 4567]

    def next(self):
        row = self.row
        self.t += 995 + random.getrandbits(3)
        row[0] = self.t & 0x3FFFFFFF
        for i in range(3):
            self.values[i] += random.getrandbits(2) - 1 - (random.getrandbits(1))
            row[i + 1] = self.values[i]
        return row


def tiered(quota, nbytes=16384):
    ram = RecordRing(BME, nbytes, timebase=Timebase())
    spool = Spool("/flash/spool", quota, codec=FlashBlocks(ram), boot=b"boot0001", say=str)
    return Tiered(ram, spool)


def spilled(nbytes):
    """Rows through a ring of so many bytes, spilled when it is full -> (payload, nor)."""
    nor = mounted(128)
    store = tiered(1 << 20, nbytes)
    walk = Walk()
    payload = 0
    for _ in range(N):
        if not store.push(walk.next()):
            store.spill()
            store.push(walk.row)
    store.spill_all()
    size = 0
    for name in os.listdir("/flash/spool"):
        size += os.stat("/flash/spool/" + name)[6]
    # What the readings take as blocks: the files less their frames, heads and pads.
    reader = store.spool.reader
    for number in range(1, store.spool._last + 1):
        reader.choose(store.spool._name(number), number)
        while n := reader.frame():
            payload += reader.after(reader.at) - reader.at - FRAME
            reader.skip = n
    store.spool.close()
    vfs.umount("/flash")
    return payload, nor


def saved_every(rows):
    """The same, but never more than so many rows unsaved."""
    nor = mounted(128)
    store = tiered(1 << 20)
    walk = Walk()
    n = N // 10
    for i in range(n):
        store.push(walk.next())
        if i % rows == rows - 1:
            store.spill(False)
    store.spool.close()
    vfs.umount("/flash")
    return n, nor


def one_file_each(n):
    nor = mounted(128)
    for i in range(n):
        with open("/flash/%d" % i, "wb") as file:
            file.write(b"0123456789abcdef")
    vfs.umount("/flash")
    return nor


def append_and_flush(n):
    nor = mounted(128)
    with open("/flash/all", "wb") as file:
        for _ in range(n):
            file.write(b"0123456789abcdef")
            file.flush()
    vfs.umount("/flash")
    return nor


def table():
    print(
        "%-44s %10s %12s %12s" % ("readings to flash", "bytes each", "written/byte", "erases each")
    )

    def line(name, each, n, nor):
        amplification = nor.programmed / (each * n)
        erases = nor.erases / n
        print("%-44s %10.1f %12.2f %12.5f" % (name, each, amplification, erases))
        return amplification, erases

    nor = one_file_each(300)
    line("a file a reading, 16 bytes", 16, 300, nor)
    nor = append_and_flush(2000)
    line("append and flush a reading, 16 bytes", 16, 2000, nor)
    for rows in (10, 100):
        n, nor = saved_every(rows)
        line("blocks, at most %d readings unsaved" % rows, 4.6, n, nor)
    payload, nor = spilled(8192)
    line("blocks, spilled from a ring of 8 KB", payload / N, N, nor)
    payload, nor = spilled(16384)
    amplification, erases = line("blocks, spilled from a ring of 16 KB", payload / N, N, nor)
    print("BENCH flash_write_amplification=%.3f" % amplification)
    print("BENCH flash_erases_per_reading=%.5f" % erases)


def recovery(quota):
    """-> (bytes in files, ms, bytes read, heap bytes it takes, heap it keeps)"""
    nor = mounted(200)
    store = tiered(quota)
    walk = Walk()
    while len(store.spool) * 5 < quota and store.lost == 0:
        if not store.push(walk.next()):
            store.spill()
            store.push(walk.row)
    store.spill_all()
    stored = store.spool._used
    n = len(store.spool)
    for _ in range(20):
        store.commit(len(store.peek(64)))
    store.spool.close()
    store = None
    vfs.umount("/flash")
    gc.collect()
    vfs.mount(vfs.VfsLfs2(nor, progsize=256), "/flash")
    ram = RecordRing(BME, 4096, timebase=Timebase())
    codec = FlashBlocks(ram)
    nor.read = 0
    gc.collect()
    heap = gc.mem_alloc()
    start = ticks_us()
    spool = Spool("/flash/spool", quota, codec=codec, boot=b"boot0002")
    ms = ticks_diff(ticks_us(), start) / 1000
    gc.collect()
    heap = gc.mem_alloc() - heap
    read = nor.read
    assert 0 < len(spool) < n
    spool.close()
    vfs.umount("/flash")
    return stored, ms, read, heap


def recoveries():
    print("\n%-30s %10s %10s %12s" % ("recovery of a spool", "ms", "KB read", "heap bytes"))
    for quota in (65536, 262144, 524288):
        stored, ms, read, heap = recovery(quota)
        print(
            "%-30s %10.1f %10.1f %12d"
            % ("%d KB of segments" % (stored >> 10), ms, read / 1024, heap)
        )
    print("BENCH spool_recovery_ms=%.1f" % ms)
    print("BENCH spool_recovery_bytes_read=%d" % read)
    print("BENCH spool_recovery_heap_bytes=%d" % heap)


def left_on_heap():
    """Heap after many appends and reads; through the system's own files, because a block device
    written in Python allocates at each operation."""
    path = scratch.folder("bench")
    ram = RecordRing(BME, 8192, timebase=Timebase())
    spool = Spool(path, 1 << 20, codec=FlashBlocks(ram), boot=b"boot0001", say=str)
    store = Tiered(ram, spool)
    walk = Walk()

    def fill():
        for _ in range(500):
            store.push(walk.next())
        ram.seal()

    def append():
        buf = ram.blocks()
        for _ in range(20):
            o = ram.block_after(-1)
            while o >= 0:
                spool.append(buf, o, buf[o + 4] | buf[o + 5] << 8, 1)
                o = ram.block_after(o)
                if spool.size > 10000:
                    return
            spool.sync()

    fill()
    append()
    spool._sync()
    spool._drop()
    append()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    buf = ram.blocks()
    o = ram.block_after(-1)
    for _ in range(10):
        spool.append(buf, o, buf[o + 4] | buf[o + 5] << 8, 1)
        spool.sync()
    appended = gc.mem_alloc() - before
    store.peek(40)
    store.commit(1)
    before = gc.mem_alloc()
    spool.acknowledge()
    noted = gc.mem_alloc() - before  # the file `ack`, opened once
    store.peek(40)
    before = gc.mem_alloc()
    for _ in range(20):
        store.peek(3)
        store.release()
        spool.peek(1)
        spool.commit(1)
    got = gc.mem_alloc() - before
    gc.enable()
    spool.close()
    scratch.remove(path)
    print("\nleft on the heap: %d bytes by 10 appends with sync, %d by 40 reads" % (appended, got))
    print("and once %d by the first note of what was delivered: an open file" % noted)
    print("BENCH spool_append_alloc_bytes=%d" % appended)
    print("BENCH spool_read_alloc_bytes=%d" % got)


def cuts():
    cuts = failures = restarts = 0
    for kind, seed in (("ring", 1), ("records", 1)):
        run = powercut.run(kind, 8000, seed)
        cuts += run.cuts
        failures += run.failures
        restarts += run.restarts
    control = powercut.run("ring", 200, 1, False)
    print(
        "\n%d power cuts, %d failures (%d restarts of the run itself); without the flush: %d of %d"
        % (cuts, failures, restarts, control.failures, control.cuts)
    )
    print("BENCH power_cuts=%d" % cuts)
    print("BENCH power_cut_failures=%d" % failures)


table()
recoveries()
left_on_heap()
cuts()
