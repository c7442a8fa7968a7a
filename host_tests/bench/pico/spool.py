# names: a spool of 512 KB, or of what fits, is filled by the file system and recovered.
import gc
import time

from batcher import FlashBlocks, RecordRing, Schema, Spool

QUOTA = 512 * 1024
schema = Schema("room", [("temperature", "Cel", -2), ("humidity", "%RH", -2)])
row = schema.row()
ring = RecordRing(schema, 2048, 32)
spool = Spool("/spool", QUOTA, codec=FlashBlocks(ring), boot=b"boot0001", say=print)
for i in range(ring.capacity):
    row[0] = 1000 * i
    row[1] = 2100 + (i * 7919 & 0xFFF)
    row[2] = 4500 + (i * 104729 & 0xFFF)
    if not ring.push(row):
        break
buf = ring.blocks()
o = ring.block_after(-1)
size = buf[o + 4] | buf[o + 5] << 8
count = buf[o + 6] | buf[o + 7] << 8
while spool._used < spool.quota - spool._segment_cost and not spool.broken:
    for _ in range(200):
        spool.append(buf, o, size, count)
    spool.sync()
print("left at", spool._used, spool.quota, spool.lost)
spool.close()
used = spool._used
spool = None
gc.collect()
codec = FlashBlocks(ring)
gc.collect()
heap = gc.mem_alloc()
t = time.ticks_us()
spool = Spool("/spool", QUOTA, codec=codec, boot=b"boot0002", say=print)
us = time.ticks_diff(time.ticks_us(), t)
gc.collect()
heap = gc.mem_alloc() - heap
print("BENCH pico_spool_recovery_ms=%.1f" % (us / 1000))
print("BENCH pico_spool_recovery_kb=%d" % (used // 1024))
print("BENCH pico_spool_recovery_heap_bytes=%d" % heap)
t = time.ticks_us()
spool.peek(10)
us = time.ticks_diff(time.ticks_us(), t)
print("BENCH pico_spool_first_batch_ms=%.1f" % (us / 1000))
