"""A virtual board with an MPU6050 at 1 kHz, real time: FIFO -> batcher -> blocks -> collector.

`micropython motion.py URL SECONDS blocks|rows` prints one line of JSON at the end.
"""

import gc
import json
import sys

from batcher.batcher import Batcher
from batcher.identity import Identity
from batcher.port import asyncio, ticks_diff, ticks_ms
from batcher.records import RecordRing
from batcher.sampler import Sampler
from batcher.sensors.mpu6050 import MPU6050
from batcher.uplink.http import HttpUplink
from kit.chips.mpu6050 import MPU6050 as Chip
from kit.i2c import I2C


async def main(url, seconds, form):
    if form == "blocks":
        from batcher.uplink.enc_block import BlockEncoder as Encoder
    else:
        from batcher.uplink.enc_rows import RowsEncoder as Encoder
    bus = I2C()
    chip = bus.attach(0x68, Chip(counting=True))
    driver = MPU6050(bus, rate_hz=1000)
    ident = Identity("motion")
    batcher = Batcher(
        store=RecordRing(driver.schema, 65536),
        batch_size=1000,
        interval_ms=1000,
        on_error=print,
    )
    uplink = HttpUplink(url, Encoder(), ident, source=batcher)
    batcher.register_handler(uplink.send)
    batcher.start()
    sampler = Sampler(batcher.add)
    sensor = sampler.add_sensor(driver, 20)
    sampler.start()
    await asyncio.sleep_ms(2000)  # the chip has started, connections are open
    gc.collect()
    made = chip.made
    heap = gc.mem_alloc()
    start = ticks_ms()
    worst = 0
    for _ in range(seconds * 10):
        before = ticks_ms()
        await asyncio.sleep_ms(100)
        worst = max(worst, ticks_diff(ticks_ms(), before) - 100)
    took = ticks_diff(ticks_ms(), start)
    made = chip.made - made
    sampler.stop()
    await asyncio.sleep_ms(0)
    # What the FIFO still holds is not lost: it is drained before the end.
    sensor.row[0] = ticks_ms()
    driver.measure(sensor.row)
    for _ in range(20):
        if await batcher.flush(2000):
            break
    gc.collect()
    stats = batcher.stats
    print(
        json.dumps(
            {
                "rate_hz": (made * 1000 + took // 2) // took,
                "made": chip.taken // 12,
                "added": stats["added"],
                "delivered": stats["delivered"],
                "dropped": stats["dropped"],
                "pending": stats["pending"],
                "overflows": driver.overflows,
                "failed": sensor.failed,
                "late_ms": worst,
                "heap": gc.mem_alloc() - heap,
            }
        )
    )


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
