"""The time of day, against a scripted time server."""

from time import sleep

from batcher.port import asyncio, ticks_add, ticks_ms
from batcher.uplink.sntp import Sntp
from kit.udp_server import UdpServer

NTP_1970 = 2208988800
NOW = 1795471200  # 2026-11-23


def reply(question, seconds=NOW, fraction=0x80000000, first=0x24, stratum=2):
    out = bytearray(48)
    out[0] = first
    out[1] = stratum
    out[24:32] = question[40:48]
    out[40:44] = ((seconds + NTP_1970) & 0xFFFFFFFF).to_bytes(4, "big")
    out[44:48] = fraction.to_bytes(4, "big")
    return bytes(out)


def sync(*answers, times=1, sntp=None):
    """-> (Sntp, results, what on_time was told)"""
    told = []
    results = []

    async def main():
        servers = [UdpServer(answer) for answer in answers]
        for server in servers:
            await server.__aenter__()
        clock = sntp or Sntp(ms=150)
        clock.on_time = lambda s, ms, at: told.append((s, ms, at))
        clock.servers = [server.address for server in servers]
        for _ in range(times):
            results.append(await clock.sync())
        for server in servers:
            await server.__aexit__()
        return clock

    return asyncio.run(main()), results, told


def test_the_clock_is_set_from_a_good_answer():
    sntp, results, told = sync(lambda q: [reply(q)])
    assert results == [True] and sntp.synced
    seconds, ms, at = told[0]
    assert seconds == NOW and 500 <= ms < 600
    assert 0 <= (ticks_ms() - at) & 0x3FFFFFFF < 1000


def test_the_answer_was_written_half_way():
    def late(question):
        sleep(0.4)
        return [reply(question)]

    _, results, told = sync(late, sntp=Sntp(ms=2000))
    assert results == [True] and told[0][0] == NOW and 690 <= told[0][1] < 900, told


def test_the_era_of_2036_is_known():
    late = 2100000000  # 2036-07-18
    _, results, told = sync(lambda q: [reply(q, late, 0)])
    assert results == [True] and told[0][0] == late and told[0][1] < 100


def test_answers_that_are_not_to_be_believed():
    for bad in (
        lambda q: [],
        lambda q: [b"short"],
        lambda q: [reply(bytes(48))],  # not our cookie
        lambda q: [reply(q, first=0x23)],  # a question
        lambda q: [reply(q, first=0xE4)],  # not synchronised
        lambda q: [reply(q, stratum=0)],  # kiss of death
        lambda q: [reply(q, stratum=16)],
        lambda q: [reply(q, seconds=946684800)],  # the year 2000
        lambda q: [reply(q, seconds=1 << 32)],
    ):
        sntp, results, told = sync(bad)
        assert results == [False] and not told and not sntp.synced
        _, results, told = sync(bad, lambda q: [reply(q)])  # the next server is asked
        assert results == [True] and told[0][0] == NOW


def test_a_jump_needs_two_servers():
    sntp, _, _ = sync(lambda q: [reply(q)])
    _, results, told = sync(lambda q: [reply(q, NOW + 5000)], sntp=sntp)
    assert results == [False] and not told
    _, results, told = sync(
        lambda q: [reply(q, NOW + 5000)],
        lambda q: [reply(q, NOW + 9999)],
        lambda q: [reply(q)],
        sntp=sntp,
    )
    assert results == [True] and told[0][0] == NOW
    _, results, told = sync(
        lambda q: [reply(q, NOW + 5000)], lambda q: [reply(q, NOW + 5001)], sntp=sntp
    )
    assert results == [True] and told[0][0] == NOW + 5001


def test_a_server_that_is_alone_is_believed_at_the_second_time():
    sntp, _, _ = sync(lambda q: [reply(q)])
    _, results, told = sync(lambda q: [reply(q, NOW + 90)], times=2, sntp=sntp)
    assert results == [False, True] and told[0][0] == NOW + 90
    _, results, _ = sync(lambda q: [reply(q, NOW + 270)], sntp=sntp)  # what was odd is forgotten
    assert results == [False]


def test_of_two_servers_one_may_be_dead():
    for answers in ([lambda q: [], lambda q: [reply(q, NOW + 90)]],) * 2:
        sntp, _, _ = sync(lambda q: [reply(q)])
        _, results, told = sync(*answers, sntp=sntp)
        assert results == [True] and told[0][0] == NOW + 90
        answers.reverse()


def test_the_drift_of_the_own_clock_is_measured():
    sntp, _, _ = sync(lambda q: [reply(q)])
    hour = 3600 * 1000
    ms, at = sntp._at
    sntp._at = (ms - hour, ticks_add(at, -hour - 180))  # an hour took 180 ms too many
    sync(lambda q: [reply(q)], sntp=sntp)
    assert -60 <= sntp.drift_ppm <= -30, sntp.drift_ppm
