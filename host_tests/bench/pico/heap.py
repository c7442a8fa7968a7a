# wifi frozen: what is left of the heap with everything a firmware needs, made and connected.
import gc

import network

gc.collect()
print("BENCH pico_heap_bytes=%d" % (gc.mem_free() + gc.mem_alloc()))
gc.threshold(4096)

from batcher import Batcher, Identity, RecordRing, Schema, Spool  # noqa: E402
from batcher.flashblocks import FlashBlocks  # noqa: E402
from batcher.sampler import Sampler  # noqa: E402, F401
from batcher.sensors.bme280 import BME280  # noqa: E402
from batcher.tiered import Tiered  # noqa: E402
from batcher.uplink.enc_json import JsonEncoder  # noqa: E402
from batcher.uplink.http import HttpUplink  # noqa: E402
from batcher.uplink.wifi import Wifi  # noqa: E402, F401

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
ident = Identity("pico")
ram = RecordRing(Schema(*BME280.SCHEMA), 32 * 1024)
boot = bytes([int(ident.boot[i : i + 2], 16) for i in range(0, 16, 2)])
spool = Spool("/batcher/readings", 256 * 1024, codec=FlashBlocks(ram), boot=boot)
batcher = Batcher(store=Tiered(ram, spool), overflow="spill")
uplink = HttpUplink("http://10.0.0.1:8000/v1/batches", JsonEncoder(), ident, batcher)
batcher.register_handler(uplink.send)
gc.collect()
print("BENCH pico_free_heap_bytes=%d" % gc.mem_free())
