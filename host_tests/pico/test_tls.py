"""TLS on the emulated Pico W, whose connections take their memory from a heap in pieces."""

import asyncio.constants
import time

import pytest

from batcher_tools.collect.server import CollectorThread
from batcher_tools.pico.bench import firmware
from batcher_tools.pico.filesystem import write_image
from certificates import Authority

from .conftest import JOIN, start

pytestmark = pytest.mark.pico

SEND = """
import asyncio, gc, machine
from batcher.identity import Identity
from batcher.uplink.enc_json import JsonEncoder
from batcher.uplink.http import HttpUplink
from batcher.uplink.tls import Tls

class Source:
    name = "items"
    first = 0

machine.RTC().datetime({now})
url = "https://10.0.0.1:{port}/v1/batches"
tls = Tls("/ca.der", name="localhost"{reserve})
up = HttpUplink(url, JsonEncoder(), Identity("d"), Source(), tls=tls, deadline_ms=120000)

async def main():
    gc.collect()
    hold = [None] * 400
    n = 0
    try:
        while n < 400:
            hold[n] = bytearray(496)
            n += 1
    except MemoryError:
        pass
    for i in range(0, n, 2):  # half of the heap is free, and no hole is larger than 512 bytes
        hold[i] = None
    gc.collect()
    print("free", gc.mem_free())
    for _ in range(2):
        try:
            print("sent", await up.send([1, 2, 3]))
        except OSError as exc:
            print("OSError", exc)
        up.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    # Of asyncio's servers, where nobody says another: an emulated board on a slow machine needs
    # more than the minute that it is.
    asyncio.constants.SSL_HANDSHAKE_TIMEOUT = 600
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    cert, key = authority.issue("localhost")
    tls = {"ssl_certfile": str(cert), "ssl_keyfile": str(key)}
    with CollectorThread(folder / "c.db", **tls) as collector:
        collector.authority = authority
        yield collector


@pytest.fixture(scope="module")
def joined(collector, tmp_path_factory):
    files = {**firmware(), "/ca.der": collector.authority.der.read_bytes()}
    with start(filesystem=write_image(tmp_path_factory.mktemp("fs") / "fs", files)) as pico:
        assert pico.run(JOIN, timeout=120).strip() == "True"
        yield pico


def send(joined, collector, reserve):
    now = (*time.gmtime()[:3], 0, *time.gmtime()[3:6], 0)
    with joined.fork() as pico:
        text = pico.run(SEND.format(now=now, port=collector.port, reserve=reserve), timeout=600)
    free, *said = text.replace("\r", "").splitlines()
    assert int(free.split()[1]) > 40000
    return said


def test_a_handshake_works_on_a_heap_in_pieces_again_and_again(joined, collector):
    assert send(joined, collector, "") == ["sent True"] * 2


def test_without_the_memory_kept_aside_it_does_not(joined, collector):
    said = send(joined, collector, ", reserve=0")
    assert len(said) == 2 and all(line.startswith("OSError") for line in said), said
