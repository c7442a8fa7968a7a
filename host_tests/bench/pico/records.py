# Typed readings on a Pico W: a record add of 4 fields, sealing, and what is encoded from them.
import gc
import time

from batcher import Batcher, Field, RecordRing, Schema

N = 1024

schema = Schema(
    "bme280",
    (
        Field("temperature", "Cel", -2),
        Field("pressure", "Pa", 0),
        Field("humidity", "%RH", -2),
        Field("battery", "V", -3),
    ),
)
row = schema.row()


def fill(add, row, count):
    """Add readings that move as a room's do -> microseconds, the row's own cost taken off."""
    gc.collect()
    items = range(count)
    t = time.ticks_us()
    for i in items:
        row[0] = i * 100
        row[1] = 2100 + (i & 7)
        row[2] = 101325 + (i & 3)
        row[3] = 4500 - (i & 15)
        row[4] = 3300
        add(row)
    return time.ticks_diff(time.ticks_us(), t)


def nothing(row):
    pass


def same(add, row, count):
    gc.collect()
    items = range(count)
    t = time.ticks_us()
    for _ in items:
        add(row)
    return time.ticks_diff(time.ticks_us(), t)


store = RecordRing(schema, 24 * 1024)
b = Batcher(store=store, batch_size=store.capacity)
us = same(b.add, row, N)
print("BENCH pico_record_add_us=%.2f" % (us / N))
store = RecordRing(schema, 24 * 1024)
b = Batcher(store=store, batch_size=store.capacity)
us = fill(b.add, row, N) - fill(nothing, row, N)
print("BENCH pico_record_add_moving_us=%.2f" % (us / N))


# Sealing what the stage holds, and a row out of a batch of 100 into a buffer.
from batcher import Identity  # noqa: E402
from batcher.uplink.enc_block import BlockEncoder  # noqa: E402
from batcher.uplink.enc_json import JsonEncoder  # noqa: E402
from batcher.uplink.enc_rows import RowsEncoder  # noqa: E402

store = RecordRing(schema, 8 * 1024)
b = Batcher(store=store, batch_size=store.capacity)
fill(b.add, row, 16)
gc.collect()
t = time.ticks_us()
store.seal()
print("BENCH pico_seal_16_us=%d" % time.ticks_diff(time.ticks_us(), t))
store = RecordRing(schema, 8 * 1024)
b = Batcher(store=store, batch_size=store.capacity)
fill(b.add, row, 100)
store.seal()
batch = store.peek(100)
ident = Identity("pico")
piece = memoryview(bytearray(1024))


def encode(key, encoder):
    """The second time: the first one makes what an encoder keeps."""
    for _ in range(2):
        gc.collect()
        t = time.ticks_us()
        encoder.begin(batch, ident)
        while encoder.fill(piece):
            pass
        us = time.ticks_diff(time.ticks_us(), t)
    print("BENCH %s=%.2f" % (key, us / len(batch)))


encode("pico_encode_row_us", RowsEncoder())  # the format if nothing else is said
encode("pico_encode_row_json_us", JsonEncoder())
encode("pico_encode_row_blocks_us", BlockEncoder())
