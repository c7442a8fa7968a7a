"""Keeps `network.WLAN` connected, because the ports lie about it.

ESP32 says "connecting" for ever; RP2's negative status may pass. So nothing but a deadline
ends an attempt, `connect()` is issued anew, every network gets its turn, waits grow with
jitter, and after some failures the radio is switched off and on. The link interface is
`up() start() stop() on_up(callback) rssi() status() dns()`: Ethernet or a modem can stand in.

Rules: `step(now)` decides everything and waits for nothing; the task only sleeps between.
No password is ever printed.
"""

from .. import port as real_clock
from ..backoff import Backoff
from ..port import log, ticks_diff

OFF = "off"
CONNECTING = "connecting"
UP = "up"
WAITING = "waiting"  # after a failure
RESET = "reset"  # the radio is off for a moment

_LOOK_MS = 250  # while connecting
_GUARD_MS = 1000  # while up
_RADIO_MS = 500  # off, in a reset

# What status() says on ESP32 (200..1010) and RP2 (-3..3), as a hint and never as a verdict.
_HINTS = {
    -3: "wrong password",
    -2: "network not found",
    -1: "connection failed",
    0: "link is down",
    1: "joining",
    2: "no address from DHCP yet",
    200: "beacon lost",
    201: "network not found",
    202: "wrong password",
    203: "association failed",
    204: "handshake timed out: wrong password?",
    210: "no network with that security",
    211: "no network with that security",
    212: "signal too weak",
    1000: "idle",
    1001: "connecting",
}


class Wifi:
    """network: the module of that name. networks: [(ssid, password or None), ...].

    static       (address, mask, gateway, name server) instead of DHCP
    deadline_ms  for one attempt, DHCP included
    reset_after  failed attempts after which the radio is switched off and on
    pm           power management as the port counts it: 0xa11140 on RP2 turns saving off
    Raises ValueError for an argument that is wrong.
    """

    def __init__(
        self,
        network,
        networks,
        country=None,
        hostname=None,
        static=None,
        pm=None,
        deadline_ms=15000,
        reset_after=4,
        backoff=None,
        clock=None,
    ):
        if not networks:
            raise ValueError("wifi: wanted at least one network")
        for ssid, key in networks:
            if not 1 <= len(ssid.encode()) <= 32:
                raise ValueError("wifi: ssid: wanted 1 to 32 bytes")
            if key and not 8 <= len(key) <= 64:
                raise ValueError("wifi: the password of %r: wanted 8 to 63 characters" % ssid)
        if country is not None and len(country) != 2:
            raise ValueError("wifi: country: wanted two letters, found %r" % country)
        self._network = network
        self._wlan = None
        self.networks = list(networks)
        self.country = country
        self.hostname = hostname
        self.static = static
        self.pm = pm
        self.deadline_ms = deadline_ms
        self.reset_after = reset_after
        self._backoff = backoff or Backoff(1000, 60000)
        self._clock = clock or real_clock
        self._signal = self._clock.signal()
        self._task = None
        self._callbacks = []
        self._current = 0
        self._since = 0
        self._wait = 0
        self._failed = 0  # attempts in a row
        self.state = OFF
        self.ups = self.resets = self.attempts = 0
        self.hint = ""

    # The link interface.

    def up(self) -> bool:
        return self.state == UP

    def on_up(self, callback) -> None:
        """callback() each time the link comes up: a batcher's `kick`."""
        self._callbacks.append(callback)

    def start(self) -> None:
        """Bring it up and keep it so. Needs a running loop."""
        if self._task is None:
            self._task = self._clock.spawn(self._run())

    def stop(self) -> None:
        """Radio off."""
        task = self._task
        self._task = None
        if task is not None:
            task.cancel()
        self._radio_off()
        self.state = OFF

    def rssi(self) -> "int | None":
        """dBm, None where it is not known."""
        try:
            return self._wlan.status("rssi") if self.state == UP else None
        except (OSError, ValueError, TypeError):
            return None

    def dns(self) -> list:
        """Name servers, for a Resolver."""
        return [self._wlan.ifconfig()[3]] if self.state == UP else []

    def status(self) -> dict:
        return {
            "state": self.state,
            "ssid": self.networks[self._current][0],
            "address": self._wlan.ifconfig()[0] if self.state == UP else None,
            "rssi": self.rssi(),
            "hint": self.hint,
            "attempts": self.attempts,
            "ups": self.ups,
            "resets": self.resets,
        }

    def renew(self) -> None:
        """It says up, but nothing gets through: connect anew."""
        if self.state == UP:
            self._fail(self._clock.ticks(), "nothing gets through")
            self._signal.set()

    # How it is kept.

    async def _run(self):
        while True:
            await self._signal.wait(self.step(self._clock.ticks()))

    def step(self, now) -> int:
        """Look, do what is due; -> ms until the next look."""
        state = self.state
        try:
            if state == OFF:
                self._radio_on()
                return self._connect(now)
            passed = ticks_diff(now, self._since)
            if state == CONNECTING:
                return self._look(now, passed)
            if state == UP:
                if not self._is_up():
                    log("Wi-Fi: lost %s" % self.networks[self._current][0])
                    return self._connect(now)
                return _GUARD_MS
            if passed < self._wait:
                return self._wait - passed
            if state == RESET:
                self._radio_on()
            return self._connect(now)
        except OSError as exc:  # a driver in a bad state raises from anywhere
            return self._fail(now, "%s" % exc)

    def _connect(self, now):
        wlan = self._wlan
        ssid, key = self.networks[self._current]
        self.state = CONNECTING
        self._since = now
        self.attempts += 1
        try:
            wlan.disconnect()
        except OSError:
            pass  # it was not connected
        if self.static:
            wlan.ifconfig(self.static)
        if key:
            wlan.connect(ssid, key)
        else:
            wlan.connect(ssid)
        return _LOOK_MS

    def _is_up(self):
        return self._wlan.isconnected() and self._wlan.ifconfig()[0] != "0.0.0.0"

    def _look(self, now, passed):
        if self._is_up():
            self.state = UP
            self.ups += 1
            self._failed = 0
            self.hint = ""
            self._backoff.reset()
            log("Wi-Fi: %s, %s" % (self.networks[self._current][0], self._wlan.ifconfig()[0]))
            for callback in self._callbacks:
                callback()
            return _GUARD_MS
        code = self._wlan.status()
        self.hint = _HINTS.get(code, "status %s" % code)
        if passed < self.deadline_ms:
            return _LOOK_MS
        return self._fail(now, self.hint)

    def _fail(self, now, hint):
        self.hint = hint
        self._failed += 1
        log("Wi-Fi: %s: %s" % (self.networks[self._current][0], hint))
        self._current = (self._current + 1) % len(self.networks)
        self._since = now
        self._wait = 0
        if self._failed % self.reset_after == 0:
            self.state = RESET
            self.resets += 1
            self._radio_off()
            self._wait = _RADIO_MS
        else:
            self.state = WAITING
        if self._current == 0 or self._failed >= len(self.networks):
            self._wait += self._backoff.next()  # everyone had a turn
        return max(1, self._wait)

    def _radio_on(self):
        network = self._network
        if self.country:
            network.country(self.country)
        if self.hostname:
            network.hostname(self.hostname)
        if self._wlan is None:
            self._wlan = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        if self.pm is not None:
            self._wlan.config(pm=self.pm)

    def _radio_off(self):
        wlan = self._wlan
        if wlan is not None:
            for off in ("disconnect", "deinit"):
                try:
                    getattr(wlan, off)()
                except (OSError, AttributeError):
                    pass
            try:
                wlan.active(False)
            except OSError:
                pass
            self._wlan = None
