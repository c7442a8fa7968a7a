"""Names to addresses over UDP, against a scripted name server."""

import sys

from batcher import port_unix
from batcher.port import asyncio, ticks_diff, ticks_ms
from batcher.uplink.dns import Resolver, addresses, name_servers, query
from kit.check import raises
from kit.udp_server import UdpServer


def reply(question, records, code=0, flags=0x84):
    """records: (type, ttl, data); each name points back to the question's."""
    out = bytearray(question)
    out[2] = flags
    out[3] = 0x80 | code
    out[7] = len(records)
    for kind, ttl, data in records:
        out += b"\xc0\x0c" + bytes((0, kind, 0, 1)) + ttl.to_bytes(4, "big")
        out += len(data).to_bytes(2, "big") + data
    return bytes(out)


A = (1, 60, b"\x7f\0\0\x09")
CNAME = (5, 30, b"\x05other\xc0\x12")


def test_a_question_is_as_rfc_1035_says():
    assert bytes(query("a.bc", b"\x12\x34")) == (
        b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + b"\x01a\x02bc\0" + b"\0\x01\0\x01"
    )
    for name in ("", "a..b", "x" * 64):
        with raises(ValueError, "not a name"):
            query(name, b"12")


def test_replies_are_read_and_never_past_their_end():
    question = query("a.bc", b"\0\7")
    good = reply(question, [CNAME, A, (28, 60, bytes(16)), (1, 5000, b"\x01\x02\x03\x04")])
    assert addresses(good, len(question)) == (["127.0.0.9", "1.2.3.4"], 30)
    for n in range(len(question), len(good)):
        addresses(good[:n], len(question))
    plain = bytearray(reply(question, [A]))  # the name once more, not a pointer to the first
    plain[len(question) : len(question) + 2] = question[12:-4]
    assert addresses(bytes(plain), len(question)) == (["127.0.0.9"], 60)
    plain[len(question)] = 0x3F  # a label beyond the end
    assert addresses(bytes(plain), len(question)) is False
    assert addresses(reply(question, [(1, 1 << 31, A[2])]), len(question))[1] == 3600
    assert addresses(reply(question, [], 3), len(question)) == (None, 0)  # no such name
    assert addresses(reply(question, [A], 2), len(question)) is False


def test_it_resolves_keeps_and_asks_again_after_a_failure():
    async def main():
        async with UdpServer(lambda q: [reply(q, [CNAME, A])]) as server:
            resolver = Resolver([server.address])
            assert await resolver("some.name") == "127.0.0.9"
            assert await resolver("some.name") == "127.0.0.9"
            assert len(server.questions) == 1
            resolver.failed("some.name")
            assert await resolver("some.name") == "127.0.0.9"
            assert len(server.questions) == 2

    asyncio.run(main())


def test_strays_and_forgeries_are_passed_over():
    def answer(q):
        other = reply(query("evil.name", b"\0\0"), [(1, 60, b"\6\6\6\6")])
        wrong_number = bytearray(reply(q, [(1, 60, b"\6\6\6\6")]))
        wrong_number[0] ^= 1
        same_number = bytearray(other)
        same_number[:2] = q[:2]
        question_again = q
        return [
            b"x",
            other,
            bytes(wrong_number),
            bytes(same_number),
            question_again,
            reply(q, [A]),
        ]

    async def main():
        async with UdpServer(answer) as server:
            assert await Resolver([server.address])("good.name") == "127.0.0.9"

    asyncio.run(main())


def test_a_server_that_writes_the_name_in_other_letters_is_understood():
    async def main():
        async with UdpServer(lambda q: [reply(q[:12] + q[12:].upper(), [A])]) as server:
            assert await Resolver([server.address])("some.name") == "127.0.0.9"

    asyncio.run(main())


def test_the_next_server_is_asked_and_silence_is_bounded():
    async def main():
        async with UdpServer(lambda q: []) as mute, UdpServer(lambda q: [reply(q, [A])]) as good:
            start = ticks_ms()
            resolver = Resolver(lambda: [mute.address, "0.0.0.0", good.address], ms=100)
            assert await resolver("n.x") == "127.0.0.9"
            assert 80 < ticks_diff(ticks_ms(), start) < 2000
            resolver = Resolver([mute.address], ms=50)
            start = ticks_ms()
            with raises(OSError, "no name server answered for n.x"):
                await resolver("n.x")
            assert ticks_diff(ticks_ms(), start) < 2000
        with raises(OSError, "no name server"):  # nobody there at all: told at once
            await Resolver([mute.address])("n.x")

    asyncio.run(main())


def test_a_known_address_serves_on_when_the_name_server_is_dead():
    answers = [True]

    async def main():
        async with UdpServer(lambda q: [reply(q, [A])] if answers else []) as server:
            resolver = Resolver([server.address], ms=50)
            await resolver("n.x")
            answers.clear()
            resolver.failed("n.x")
            assert await resolver("n.x") == "127.0.0.9"
            assert await resolver("n.x") == "127.0.0.9"

    asyncio.run(main())


def test_no_such_name_is_an_error_and_not_kept():
    async def main():
        codes = [3]
        async with UdpServer(lambda q: [reply(q, [A], codes[0])]) as server:
            resolver = Resolver([server.address])
            with raises(OSError, "no such name"):
                await resolver("n.x")
            codes[0] = 0
            assert await resolver("n.x") == "127.0.0.9"

    asyncio.run(main())


def test_of_several_addresses_the_next_is_tried_after_a_failure():
    async def main():
        up = [True]
        two = [(1, 60, b"\x01\x01\x01\x01"), (1, 60, b"\x02\x02\x02\x02")]
        async with UdpServer(lambda q: [reply(q, two)] if up else []) as server:
            resolver = Resolver([server.address], ms=50)
            assert await resolver("n.x") == "1.1.1.1"
            up.clear()
            resolver.failed("n.x")
            assert await resolver("n.x") == "2.2.2.2"

    asyncio.run(main())


def test_a_dead_address_has_one_turn_though_the_server_names_it_first_each_time():
    async def main():
        two = [(1, 60, b"\x01\x01\x01\x01"), (1, 60, b"\x02\x02\x02\x02")]
        async with UdpServer(lambda q: [reply(q, two)]) as server:
            resolver = Resolver([server.address], ms=500)
            got = []
            for _ in range(4):
                got.append(await resolver("n.x"))
                resolver.failed("n.x")
            assert got == ["1.1.1.1", "2.2.2.2"] * 2 and len(server.questions) == 2

    asyncio.run(main())


def test_a_board_asks_the_name_server_that_dhcp_gave():
    class Network:
        STA_IF = 0

        @staticmethod
        def WLAN(interface):
            return Network

        @staticmethod
        def ifconfig():
            return ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.53")

    assert "network" not in sys.modules
    sys.modules["network"] = Network
    try:
        assert name_servers() == ["10.0.0.53"]
    finally:
        del sys.modules["network"]


def test_a_computer_asks_its_own_name_servers():
    path = "batcher-test-resolv.conf"
    with open(path, "w") as file:
        file.write("# a comment\nsearch lan\nnameserver 10.1.1.1\nnameserver fe80::1\n")
    assert port_unix.dns(path) == ["10.1.1.1"]
    assert name_servers() == port_unix.dns()
