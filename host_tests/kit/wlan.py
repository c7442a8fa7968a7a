"""A scripted `network` module: the test says what the radio does and reads what was asked of it."""


class FakeNetwork:
    """plan(attempt, ssid, key) -> list of (ms after connect(), status, connected) in order."""

    STA_IF = 0

    def __init__(self, clock, plan):
        self.clock = clock
        self.plan = plan
        self.calls = []
        self.attempts = 0
        self.wlan = None
        self.lost = False
        self.raising = None

    def country(self, code):
        self.calls.append(("country", code))

    def hostname(self, name):
        self.calls.append(("hostname", name))

    def WLAN(self, interface):
        self.calls.append(("WLAN",))
        self.wlan = FakeWlan(self)
        return self.wlan


class FakeWlan:
    def __init__(self, network):
        self.network = network
        self.since = None
        self.script = []
        self.address = None
        self.on = False

    def _now(self):
        if self.network.raising:
            raise self.network.raising
        state = (0, False)
        if self.since is not None and self.on:
            passed = self.network.clock.elapsed - self.since
            for ms, status, connected in self.script:
                if passed >= ms:
                    state = (status, connected)
        return state

    def active(self, on):
        self.network.calls.append(("active", on))
        self.on = on

    def config(self, **settings):
        self.network.calls.append(("config", settings))

    def connect(self, ssid, key=None):
        assert self.on, "connect() on a radio that is off"
        self.network.calls.append(("connect", ssid, key))
        self.network.attempts += 1
        self.network.lost = False
        self.since = self.network.clock.elapsed
        self.script = self.network.plan(self.network.attempts, ssid, key)

    def disconnect(self):
        self.since = None

    def deinit(self):
        self.network.calls.append(("deinit",))

    def isconnected(self):
        return self._now()[1] and not self.network.lost

    def ifconfig(self, settings=None):
        if settings is not None:
            self.address = settings
            return None
        if not self._now()[1]:
            return ("0.0.0.0",) * 4
        return self.address or ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.53")

    def status(self, what=None):
        if what == "rssi":
            return -61
        return self._now()[0]
