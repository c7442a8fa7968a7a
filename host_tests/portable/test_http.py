"""The HTTP transport against a scripted server on loopback."""
# heap: 512k

import json

from batcher.errors import Rejected, RetryAfter
from batcher.identity import Identity
from batcher.port import asyncio, ticks_diff, ticks_ms
from batcher.uplink.http import HttpUplink
from kit.check import raises
from kit.encoder import PlainJson, Source
from kit.server import HttpServer, Server, answer, echo, read_request

IDENT = Identity("dev-1", "00112233aabbccdd")


def uplink(server, encoder=None, **settings):
    url = "http://127.0.0.1:%d/v1/batches" % server.port
    settings.setdefault("deadline_ms", 3000)
    source = settings.pop("source", None) or Source()
    return HttpUplink(url, encoder or PlainJson(), IDENT, source, **settings)


def run(main):
    asyncio.run(main())


async def failure(up, batch, kind):
    """-> the exception that send raises, which is of that kind; no socket is left."""
    try:
        await up.send(batch)
    except kind as exc:
        return exc
    raise AssertionError("nothing was raised, wanted %s" % kind.__name__)


def test_a_batch_is_one_post_with_its_name_and_the_connection_is_kept():
    async def main():
        async with HttpServer() as server:
            up = uplink(server, token="secret", headers={"X-Site": "barn"})
            assert await up.send([{"t": 1}, {"t": 2}]) is True
            assert await up.send([{"t": 3}]) is True
            assert server.connections == 1
            first = server.requests[0]
            assert first.line == "POST /v1/batches HTTP/1.1"
            assert first.headers["authorization"] == "Bearer secret"
            assert first.headers["x-site"] == "barn"
            assert first.headers["content-type"] == "application/json"
            assert first.headers["idempotency-key"] == "dev-1/00112233aabbccdd/items/0/2"
            assert first.headers["content-length"] == str(len(first.body))
            assert json.loads(first.body)["items"] == [{"t": 1}, {"t": 2}]
            up.close()

    run(main)


def test_a_large_batch_goes_in_chunks_through_the_small_buffer():
    async def main():
        async with HttpServer() as server:
            up = uplink(server, piece=512)
            batch = list(range(2000))
            assert await up.send(batch) is True
            request = server.requests[0]
            assert request.headers["transfer-encoding"] == "chunked"
            assert "content-length" not in request.headers
            assert json.loads(request.body)["items"] == batch
            assert await up.send([1]) is True
            assert server.connections == 1
            up.close()

    run(main)


def test_a_large_batch_is_counted_first_where_chunks_are_not_wanted():
    async def main():
        async with HttpServer() as server:
            up = uplink(server, piece=512, chunked=False)
            for batch in (list(range(2000)), [1], list(range(100))):
                assert await up.send(batch) is True
                request = server.requests[-1]
                assert request.headers["content-length"] == str(len(request.body))
                assert json.loads(request.body)["items"] == batch
            up.close()

    run(main)


def test_an_answer_is_read_to_its_end_whatever_its_form():
    ack = "Batcher-Ack: dev-1/00112233aabbccdd/items/0/1\r\n"
    forms = (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\nT: 1\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n%s\r\n",
        "HTTP/1.1 200\r\n%scontent-LENGTH:0\r\n\r\n",
        "HTTP/1.1 200 OK\n%sContent-Length: 1500\n\n" + "y" * 1500,
        "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n%sContent-Length: 2\r\n\r\n{}",
        # Names that only begin or end as ours.
        "HTTP/1.1 200 OK\r\n%sBatcher-Ack-Of: x\r\nX-Batcher-Ack: y\r\nContent-Length: 0\r\n\r\n",
    )

    async def main():
        async with HttpServer([(form % ack).encode() for form in forms]) as server:
            up = uplink(server)
            for _ in forms:
                assert await up.send([1]) is True
            assert server.connections == 1
            up.close()
        trailers = "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\n" % ack

        async with HttpServer([trailers.encode()]) as server:  # which do not end
            up = uplink(server, deadline_ms=300)
            await failure(up, [1], OSError)
        old = "HTTP/1.0 200 OK\r\n%sContent-Length: 2\r\n\r\n{}" % ack
        async with HttpServer([old.encode()] * 2) as server:
            up = uplink(server)
            for _ in range(2):
                assert await up.send([1]) is True
            assert server.connections == 2  # HTTP/1.0 closes where it does not say otherwise
            up.close()

    run(main)


def test_a_body_beyond_the_bound_is_not_read_and_the_connection_not_used_again():
    async def main():
        big = answer(body=b"z" * 20000, headers="Batcher-Ack: dev-1/00112233aabbccdd/items/0/1\r\n")
        async with HttpServer([big]) as server:
            up = uplink(server)
            assert await up.send([1]) is True
            assert up.sock is None
            assert await up.send([1]) is True
            assert server.connections == 2
            up.close()

    run(main)


def test_answers_are_judged():
    cases = (
        ("400 Bad Request", "", Rejected, "no such field"),
        ("422 Unprocessable", "", Rejected, "422"),
        ("413 Content Too Large", "", Rejected, "413"),
        ("401 Unauthorized", "", RetryAfter, "token"),
        ("403 Forbidden", "", RetryAfter, "token"),
        ("404 Not Found", "", RetryAfter, "URL"),
        ("301 Moved", "Location: http://evil/\r\n", RetryAfter, "http://evil/"),
        ("200 OK", "", RetryAfter, "captive portal"),
        ("200 OK", "Batcher-Ack: dev-1/other/items/0/1\r\n", RetryAfter, "captive portal"),
        ("500 Internal", "", OSError, "500"),
        ("408 Request Timeout", "", OSError, "408"),
        ("429 Too Many", "", OSError, "429"),
        ("503 Unavailable", "Retry-After: 7\r\n", RetryAfter, "7000"),
        ("429 Too Many", "Retry-After: 99999999999\r\n", RetryAfter, "86400000"),
        (
            "503 Unavailable",
            "Retry-After: Mon, 23 Nov 2026 00:00:05 GMT\r\nDate: Sun, 22 Nov 2026 23:59:58 GMT\r\n",
            RetryAfter,
            "7000",
        ),
        (  # a time that has passed: at once, not in a day
            "503 Unavailable",
            "Retry-After: Mon, 23 Nov 2026 00:00:00 GMT\r\nDate: Mon, 23 Nov 2026 00:01:00 GMT\r\n",
            RetryAfter,
            "-60000",
        ),
    )

    async def main():
        for status, headers, kind, word in cases:
            async with HttpServer([answer(status, b"no such field", headers)]) as server:
                up = uplink(server, wait_ms=60001)
                exc = await failure(up, [1], kind)
                assert word in str(exc), (status, str(exc))
                if word == "-60000":
                    assert exc.ms == -60000
                elif "7000" in word:
                    assert exc.ms == 7000
                elif kind is RetryAfter and "864" not in word:
                    assert exc.ms == 60001
                assert await up.send([1]) is True  # and the kept connection goes on
                assert server.connections == 1
                up.close()

    run(main)


def test_of_a_long_text_the_message_has_the_beginning():
    async def main():
        async with HttpServer([answer("500 Oops", b"why " * 700)]) as server:
            said = str(await failure(uplink(server), [1], OSError))
            assert "500 Oops: why why " in said and len(said) < 200, said

    run(main)


def test_expect_and_ack_are_settings_for_other_servers():
    async def main():
        async with HttpServer([answer("204 No Content"), answer()]) as server:
            up = uplink(server, ack=None, expect=(204,))
            assert await up.send([1]) is True
            exc = await failure(up, [1], RetryAfter)
            assert "200" in str(exc)
            up.close()

    run(main)


def test_a_batch_too_large_for_the_other_side_is_split():
    def at_most_ten(request):
        n = len(json.loads(request.body)["items"])
        return echo(request) if n <= 10 else answer("413 Too Large")

    async def main():
        async with HttpServer(rest=at_most_ten) as server:
            source = Source()
            up = uplink(server, source=source)
            items = list(range(100))
            got = []
            while items:
                k = await up.send(items)
                got.extend(json.loads(server.requests[-1].body)["items"])
                n = len(items) if k is True else k
                items = items[n:]
                source.first += n
            assert got == list(range(100))
            assert len(server.requests) < 30, len(server.requests)
            server.rest = echo  # it takes more now: the pieces grow again
            del server.requests[:]
            for _ in range(30):
                if await up.send(list(range(100))) is True:
                    break
            assert 2 < len(server.requests) < 30, len(server.requests)
            for _ in range(100):  # it does not grow for ever
                assert await up.send([1]) is True
            assert up.most == 0
            up.close()

    run(main)


def test_a_kept_connection_that_died_is_replaced_at_once():
    async def main():
        async with HttpServer([echo, None]) as server:
            up = uplink(server)
            assert await up.send([1]) is True
            assert await up.send([2]) is True  # closed under the request: once more
            assert server.connections == 2
            assert len(server.requests) == 3
            up.close()
        async with HttpServer(
            rest=lambda request: echo(request).replace(
                b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
            )
        ) as server:
            up = uplink(server)
            for i in range(3):
                assert await up.send([i]) is True
            assert server.connections == 3
            up.close()

    run(main)


def test_a_fresh_connection_that_dies_is_a_failure():
    async def main():
        async with HttpServer(rest=None) as server:
            up = uplink(server)
            await failure(up, [1], OSError)
            assert len(server.requests) == 1
            assert up.sock is None

    run(main)


def test_what_never_ends_is_cut_off():
    async def mute(reader, writer):
        await reader.read(1000)
        await asyncio.sleep(2)

    async def endless_head(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"x" * 100)
            await writer.drain()
            await asyncio.sleep(0)

    async def many_lines(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X: yyyyyyyyyyyyyyyy\r\n" * 5)
            await writer.drain()
            await asyncio.sleep(0)

    async def garbage(reader, writer):
        await reader.read(1000)
        writer.write(b"\x16\x03\x01 not HTTP at all\r\n\r\n")
        await writer.drain()

    async def main():
        for talk, word in (
            (mute, "waiting for the answer"),
            (endless_head, "does not end"),
            (many_lines, "does not end"),
            (garbage, "not an HTTP answer"),
        ):
            async with Server(talk) as server:
                up = uplink(server, deadline_ms=300)
                start = ticks_ms()
                exc = await failure(up, [1], OSError)
                assert word in str(exc), str(exc)
                assert ticks_diff(ticks_ms(), start) < 900
                assert up.sock is None

    run(main)


def test_nobody_listens():
    async def main():
        async with HttpServer() as server:
            pass
        exc = await failure(uplink(server), [1], OSError)
        assert "deadline" not in str(exc)

    run(main)


def test_an_early_answer_ends_a_long_request():
    async def early(reader, writer):
        await reader.read(100)
        writer.write(answer("400 Bad Request", b"stop it"))
        await writer.drain()
        while await reader.read(4096):
            pass

    async def main():
        async with Server(early) as server:
            up = uplink(server, piece=512)
            exc = await failure(up, list(range(6000)), Rejected)
            assert "stop it" in str(exc)
            assert up.sock is None

    run(main)


def test_an_interim_answer_does_not_stop_a_long_request():
    async def talk(reader, writer):
        first = await reader.readline()
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        request = await read_request(reader, first)
        writer.write(echo(request))
        await writer.drain()

    async def main():
        for n in (5, 6000):
            async with Server(talk) as server:
                up = uplink(server, piece=512)
                assert await up.send(list(range(n))) is True
                up.close()

    run(main)


def test_what_was_not_sent_to_its_end_is_not_taken():
    # Whatever the answer says that came meanwhile.
    ack = "Batcher-Ack: dev-1/00112233aabbccdd/items/0/6000\r\n"

    async def main():
        for said, settings in (
            (answer(headers=ack), {}),
            (b"HTTP/1.1 204 No Content\r\n\r\n", {"ack": None}),
            (answer("409 Conflict"), {"ack": None, "expect": (409,)}),
        ):

            async def early(reader, writer, said=said):
                await reader.read(100)
                writer.write(said)
                await writer.drain()
                while await reader.read(4096):
                    pass

            async with Server(early) as server:
                up = uplink(server, piece=512, **settings)
                exc = await failure(up, list(range(6000)), OSError)
                assert "before all was sent" in str(exc), exc
                assert up.sock is None

    run(main)


def test_the_longest_names_fit():
    async def main():
        async with HttpServer() as server:
            url = "http://127.0.0.1:%d/" % server.port
            source = Source()
            source.name = "s" * 64
            source.first = 1 << 40
            who = Identity("d" * 64, "00112233aabbccdd")
            up = HttpUplink(url, PlainJson(), who, source, piece=512)
            for batch in ([1], list(range(3000))):
                assert await up.send(batch) is True
            up.close()

    run(main)


def test_cancelling_a_send_leaves_no_socket():
    async def mute(reader, writer):
        await reader.read(1000)
        await asyncio.sleep(1)

    async def main():
        async with Server(mute) as server:
            up = uplink(server)
            task = asyncio.create_task(up.send([1]))
            await asyncio.sleep(0.05)
            assert up.sock is not None
            task.cancel()
            with raises(asyncio.CancelledError):
                await task
            assert up.sock is None

    run(main)


def test_arguments_are_checked():
    def wire(url, tls=None):
        return HttpUplink(url, PlainJson(), IDENT, tls=tls)

    one = wire("https://h/a/b", "a Tls")
    assert (one.tls, one.host, one.port, one.path) == ("a Tls", "h", 443, "a/b")
    two = wire("http://1.2.3.4:8080", "a Tls")
    assert (two.tls, two.host, two.port, two.path) == (None, "1.2.3.4", 8080, "")
    for url in ("h/a", "ftp://h/", "http://", "http://u:secret@h/", "http://h:x/"):
        with raises(ValueError, "url") as caught:
            wire(url)
        assert "secret" not in str(caught.exc)
    with raises(ValueError, "tls: wanted a Tls"):
        wire("https://h/")
    with raises(ValueError, "piece"):
        HttpUplink("http://127.0.0.1/", PlainJson(), IDENT, piece=100)
    with raises(ValueError, "line break"):
        HttpUplink("http://127.0.0.1/", PlainJson(), IDENT, headers={"A": "b\r\nC: d"})


def test_a_list_without_a_source_of_numbers_is_refused():
    async def main():
        up = HttpUplink("http://127.0.0.1:1/", PlainJson(), IDENT)
        exc = await failure(up, [1], ValueError)
        assert "source" in str(exc)

    run(main)
