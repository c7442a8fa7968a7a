"""Health as a series, limits that send at once, a bus that is freed: parts a station may have."""

# heap: 256k

from batcher.filters import DeadBand, Window
from batcher.limits import Limits
from batcher.logring import LogRing
from batcher.report import Health, collect
from batcher.schema import MISSING, Schema
from batcher.station import Station
from kit.alloc import allocated
from kit.check import raises

SCHEMA = Schema("room", (("temperature", "Cel", -2), ("humidity", "%RH", -2)))


def crossings(bounds, values):
    """-> after which values something was crossed."""
    crossed = []
    filter = Limits(SCHEMA, bounds, lambda: crossed.append(at))
    row = SCHEMA.row()
    for at in range(len(values)):
        row[1] = values[at]
        assert filter.feed(row) is row  # every row is handed on
    return crossed


def test_a_limit_is_told_when_it_is_crossed_and_when_all_is_well_again():
    assert crossings({"temperature": [500, 3000]}, [2000, 3000, 3001, 4000, 2999, 499]) == [2, 4, 5]
    assert crossings({"temperature": [None, 3000]}, [-40000, 3001]) == [1]
    assert crossings({"temperature": [0, None]}, [0x7FFFFFFF, -1, MISSING, -2, 0]) == [1, 4]
    assert crossings({"humidity": [0, 1]}, [1, 2, 3]) == []  # that value is missing


def test_filters_of_a_station_leave_nothing_on_the_heap():
    limits = Limits(SCHEMA, {"temperature": [0, 5], "humidity": [None, 7]}, lambda: None)
    band = DeadBand(SCHEMA, {"temperature": 3})
    window = Window(SCHEMA, 2)
    row = SCHEMA.row()

    for filter in (limits, band, window):

        def feed(filter=filter, row=row):
            row[0] += 1
            row[1] = row[2] = row[0]
            filter.feed(row)

        for _ in range(5):
            assert allocated(feed) == 0, (filter, allocated(feed))


class _Deaf:
    """What Station._on_error uses of a station."""

    silent = 0
    renewed = 0

    def __init__(self):
        self.link = self

    def note(self, text):
        pass

    def renew(self):
        self.renewed += 1


def test_wifi_that_says_up_is_renewed_when_nobody_answers():
    station = _Deaf()
    for _ in range(20):
        Station._on_error(station, OSError("500: the server answers, so the link is well"))
        Station._on_error(station, ValueError("no fault of the link"))
    assert station.renewed == 0
    for done in (0, 1, 2):
        assert station.renewed == done
        for _ in range(8):
            Station._on_error(station, OSError(110, "timed out"))


class _Batcher:
    stats = {
        "pending": 3, "delivered": 1 << 31, "dropped": 0, "rejected": 4, "retries": 5, "errors": 6
    }  # fmt: skip


class _Link:
    def rssi(self):
        return -60

    def status(self):
        return "up"


class _Station:
    batcher = _Batcher()
    link = None
    start = 0
    failing = False
    cause = "power"
    log = LogRing()

    class sampler:  # noqa: N801
        sensors = ()


def test_health_is_a_row_of_integers_and_an_unknown_signal_is_missing():
    health = Health(_Station())
    row = health.schema.row()
    assert health.measure(row) == 0
    assert row[1] >= 0 and row[2] != 0 and row[3] == MISSING
    assert list(row)[4:10] == [3, 0, 0, 4, 5, 6]  # counters modulo 2^30
    _Station.link = _Link()
    assert health.measure(row) == 0 and row[3] == -90  # dBW


def test_what_the_last_error_says_is_no_growth_of_the_heap():
    found = []
    for text in ("e", "e" * 110, "e"):
        _Station.log.add(text)
        for _ in range(3):
            status = collect(_Station())
        assert status["error"] == text
        found.append(status.get("heap", 0))
    # Text of the log itself may live a little longer, where a register still has it.
    assert max(found) < min(found) + 64, found


def test_a_stuck_bus_is_freed_by_what_is_loaded_for_it_alone():
    import sys

    from kit.machine import I2C, Pin

    class Kit:
        pass

    Kit.I2C = I2C
    Kit.Pin = Pin

    class Hardware:
        machine = Kit
        wires = [(I2C(0), {"id": 0, "sda": 4, "scl": 5, "freq": 400_000})]

    class Stuck:
        hardware = Hardware

    bus = Hardware.wires[0][0]
    Station._recover(Stuck, bus)
    for pulses in (3, 9):
        bus.stick(pulses)
        with raises(OSError):
            bus.readfrom_into(0x76, bytearray(1))
        Station._recover(Stuck, bus)
        bus.readfrom_into(0x76, bytearray(1))
    assert "batcher.freebus" not in sys.modules
