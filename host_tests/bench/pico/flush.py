# wifi collector: one flush of 100 readings over HTTP, from the call to the acknowledgement.
import asyncio
import gc
import time

import network

from batcher import Batcher, Identity, RecordRing, Schema
from batcher.sensors.bme280 import BME280
from batcher.uplink.enc_rows import RowsEncoder
from batcher.uplink.http import HttpUplink

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("emulated", "password")
while not wlan.isconnected():
    time.sleep_ms(50)

schema = Schema(*BME280.SCHEMA)
store = RecordRing(schema, 8 * 1024)
batcher = Batcher(store=store, batch_size=200, interval_ms=100000)
uplink = HttpUplink(
    "http://10.0.0.1:@PORT@/v1/batches", RowsEncoder(), Identity("pico"), batcher, piece=512
)
batcher.register_handler(uplink.send)
row = schema.row()


async def once():
    for i in range(100):
        row[0] = time.ticks_ms()
        row[1], row[2], row[3] = 2100 + i % 7, 101325 + i % 3, 4500 + i % 9
        batcher.add(row)
    gc.collect()
    t = time.ticks_us()
    taken = await batcher.flush(7000)
    took = time.ticks_diff(time.ticks_us(), t)
    if not taken:
        raise OSError("Error: the flush failed")
    return took


async def main():
    batcher.start()
    await once()  # connects
    costs = []
    for _ in range(5):
        costs.append(await once())
    costs.sort()
    print("BENCH pico_flush_100_us=%d" % costs[2])


asyncio.run(main())
