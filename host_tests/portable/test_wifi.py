"""The Wi-Fi supervisor against scripted radios, in virtual time."""

from batcher.backoff import Backoff
from batcher.radio_off import RadioOff
from batcher.uplink.wifi import Wifi
from kit.check import raises
from kit.clock import VirtualClock
from kit.wlan import FakeNetwork

NETS = [("barn", "secret-key"), ("house", None)]
GOOD = [(0, 1001, False), (700, 1010, True)]
NEVER = [(0, 1001, False)]  # ESP32: "connecting" for ever


def make(plan, nets=NETS, start=0, **settings):
    clock = VirtualClock(start)
    network = FakeNetwork(clock, plan)
    settings.setdefault("backoff", Backoff(1000, 60000, rand=lambda bits: 0x1FFFFFFF))
    wifi = Wifi(network, nets, clock=clock, **settings)
    return clock, network, wifi


def test_it_comes_up_and_tells():
    told = []
    clock, network, wifi = make(
        lambda n, ssid, key: GOOD, country="DE", hostname="barn-7", pm=0xA11140
    )
    wifi.on_up(lambda: told.append(clock.elapsed))
    assert not wifi.up() and wifi.status()["state"] == "off" and wifi.rssi() is None
    wifi.start()
    wifi.start()  # twice is harmless
    clock.advance(500)
    assert wifi.state == "connecting" and not wifi.up()
    clock.advance(500)
    assert wifi.up() and told == [750]
    assert wifi.status()["address"] == "10.0.0.5" and wifi.rssi() == -61
    assert wifi.dns() == ["10.0.0.53"]
    assert network.calls == [
        ("country", "DE"),
        ("hostname", "barn-7"),
        ("WLAN",),
        ("active", True),
        ("config", {"pm": 0xA11140}),
        ("connect", "barn", "secret-key"),
    ]
    wifi.stop()
    assert not wifi.up() and network.calls[-1] == ("active", False)
    clock.advance(60000)
    assert network.attempts == 1


def test_a_port_that_says_connecting_for_ever_meets_the_deadline():
    clock, network, wifi = make(lambda n, ssid, key: NEVER if n < 3 else GOOD)
    wifi.start()
    clock.advance(14000)
    assert network.attempts == 1
    clock.advance(1600)  # the second network follows at once
    assert network.calls[-1] == ("connect", "house", None)
    clock.advance(20000)
    assert wifi.up() and network.attempts == 3
    assert wifi.status()["ssid"] == "barn"


def test_a_negative_status_that_passes_is_waited_out():
    script = [(0, 1, False), (300, -2, False), (4000, 1, False), (6000, 3, True)]
    clock, network, wifi = make(lambda n, ssid, key: script)
    wifi.start()
    clock.advance(3000)
    assert wifi.state == "connecting" and "not found" in wifi.hint
    clock.advance(3500)
    assert wifi.up() and network.attempts == 1


def test_a_lost_connection_is_taken_up_again_at_once():
    told = []
    clock, network, wifi = make(lambda n, ssid, key: GOOD)
    wifi.on_up(lambda: told.append(clock.elapsed))
    wifi.start()
    clock.advance(5000)
    network.lost = True
    clock.advance(3000)
    assert wifi.up() and network.attempts == 2 and len(told) == 2
    assert wifi.ups == 2
    wifi.renew()  # half open: it says up, and nothing gets through
    clock.advance(5000)
    assert wifi.up() and network.attempts == 3


def test_waits_grow_and_the_radio_is_reset():
    clock, network, wifi = make(lambda n, ssid, key: NEVER, nets=[NETS[0]], reset_after=4)
    wifi.start()
    times = []
    for _ in range(300):
        before = network.attempts
        clock.advance(1000)
        if network.attempts > before:
            times.append(clock.elapsed)
    waits = [b - a for a, b in zip(times, times[1:])]  # noqa: B905
    assert waits[0] < 20000 and waits[-1] > 40000 and waits[0] < waits[2] < waits[4]
    assert wifi.resets == (len(times)) // 4
    off = network.calls.index(("active", False))
    assert ("deinit",) in network.calls and network.calls[off + 1] == ("WLAN",)


def test_once_it_was_up_failures_count_anew():
    clock, network, wifi = make(
        lambda n, ssid, key: GOOD if n == 4 else NEVER, nets=[NETS[0]], reset_after=4
    )
    wifi.start()
    while not wifi.up():
        clock.advance(1000)
    assert network.attempts == 4 and wifi.resets == 0
    network.lost = True
    clock.advance(1000)
    since = clock.elapsed
    while network.attempts < 6:
        clock.advance(100)
    assert clock.elapsed - since < 20000, clock.elapsed - since  # the first of the waits again
    assert wifi.resets == 0
    while not wifi.resets:
        clock.advance(1000)
    assert network.attempts == 8, network.attempts  # the loss was one, and three behind it


def test_hints_for_both_ports_and_no_password():
    for code, words in (
        (202, "wrong password"),
        (-3, "wrong password"),
        (201, "not found"),
        (2, "DHCP"),
        (77, "status 77"),
    ):
        clock, network, wifi = make(lambda n, ssid, key, code=code: [(0, code, False)])
        wifi.start()
        clock.advance(16000)
        assert words in str(wifi.status()) or words in wifi.hint
        assert "secret-key" not in str(wifi.status())


def test_a_driver_that_raises_is_a_failed_attempt():
    for error in (OSError("Wifi Internal State Error"), OSError(), MemoryError()):
        clock, network, wifi = make(lambda n, ssid, key: GOOD)
        wifi.start()
        clock.advance(500)
        network.raising = error
        clock.advance(1000)
        assert wifi.state == "waiting" or wifi.attempts > 1
        assert type(error).__name__ in wifi.hint
        clock.advance(60000)
        assert 3 < wifi.attempts < 30, wifi.attempts
        network.raising = None
        clock.advance(60000)
        assert wifi.up() and wifi.hint == ""


def test_what_is_up_and_gets_nothing_through_is_a_failed_attempt():
    clock, network, wifi = make(lambda n, ssid, key: GOOD)
    wifi.renew()  # before it is up there is nothing to renew
    wifi.start()
    clock.advance(5000)
    assert wifi.up() and wifi.attempts == 1
    wifi.renew()
    clock.advance(200)
    assert not wifi.up() and wifi.hint == "nothing gets through"
    clock.advance(5000)
    assert wifi.up() and wifi.attempts == 2 and wifi.status()["ssid"] == "house"


def test_static_address_and_ticks_that_wrap():
    static = ("10.9.9.9", "255.255.255.0", "10.9.9.1", "10.9.9.2")
    clock, network, wifi = make(
        lambda n, ssid, key: NEVER if n == 1 else GOOD, start=0x3FFFFFFF - 5000, static=static
    )
    wifi.start()
    clock.advance(25000)
    assert wifi.up() and wifi.status()["address"] == "10.9.9.9" and wifi.dns() == ["10.9.9.2"]


def test_arguments_are_checked():
    for nets, words in (
        ([], "networks: wanted 1"),
        (None, "networks: wanted 1"),
        ([("", None)], "ssid"),
        ([("x" * 33, None)], "ssid"),
        ([("x", "short")], "password of 'x'"),
    ):
        with raises(ValueError, words) as caught:
            make(None, nets=nets)
        assert "short" not in str(caught.exc)
    with raises(ValueError, "country"):
        make(None, country="Germany")


class Uplink:
    def __init__(self):
        self.sent = []
        self.closed = 0
        self.fault = None

    async def send(self, batch):
        if self.fault:
            raise self.fault
        self.sent.append(batch)
        return True

    def close(self):
        self.closed += 1


def test_the_radio_is_on_only_to_send():
    clock, network, wifi = make(lambda n, ssid, key: GOOD)
    uplink = Uplink()
    radio = RadioOff(wifi, uplink, linger_ms=2000, clock=clock)
    assert clock.complete(radio.send([1])) is True
    assert wifi.up()
    clock.advance(1500)
    assert clock.complete(radio.send([2])) is True  # lingering: no new connection
    assert network.attempts == 1
    clock.advance(2100)
    assert not wifi.up() and wifi.state == "off" and uplink.closed == 1
    assert not clock.tasks
    assert clock.complete(radio.send([3])) is True
    assert network.attempts == 2 and uplink.sent == [[1], [2], [3]]
    uplink.fault = OSError("no")
    with raises(OSError):
        clock.complete(radio.send([4]))
    clock.advance(2100)
    assert wifi.state == "off" and not clock.tasks


def test_a_link_lost_while_it_lingers_is_waited_for_no_longer_than_it_takes():
    clock, network, wifi = make(lambda n, ssid, key: GOOD)
    radio = RadioOff(wifi, Uplink(), linger_ms=9000, clock=clock)
    clock.complete(radio.send([1]))
    network.lost = True
    clock.advance(1100)
    assert not wifi.up()
    since = clock.elapsed
    assert clock.complete(radio.send([2])) is True
    assert clock.elapsed - since < 2000, clock.elapsed - since


def test_a_send_that_is_cancelled_while_the_link_comes_up_leaves_it_off():
    clock, network, wifi = make(lambda n, ssid, key: NEVER)
    radio = RadioOff(wifi, Uplink(), clock=clock)
    task = clock.spawn(radio.send([1]))
    clock.advance(1000)
    assert wifi.state == "connecting"
    task.cancel()
    clock.advance(10)
    assert wifi.state == "off" and not clock.tasks


def test_a_link_that_does_not_come_up_fails_the_batch_and_goes_off():
    clock, network, wifi = make(lambda n, ssid, key: NEVER)
    radio = RadioOff(wifi, Uplink(), deadline_ms=20000, clock=clock)
    with raises(OSError, "did not come up"):
        clock.complete(radio.send([1]))
    assert 20000 <= clock.elapsed < 21000
    assert wifi.state == "off" and not clock.tasks
