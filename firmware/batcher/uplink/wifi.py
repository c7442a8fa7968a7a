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
from ..port import const, log, ticks_diff

_LOOK_MS = const(250)  # while connecting
_GUARD_MS = const(1000)  # while up
_RADIO_MS = const(500)  # off, in a reset

# What status() says on ESP32 (200..1010) and RP2 (-3..3), as a hint and never as a verdict.
_HINTS = """
 -3 202 wrong password
 -2 201 network not found
 -1 203 connection failed
 0 link is down
 1 1001 connecting
 2 no address from DHCP yet
 200 beacon lost
 204 handshake timed out: wrong password?
 210 211 no network with that security
 212 signal too weak
 1000 idle
"""


class Wifi:
    """network: the module of that name. networks: [(ssid, password or None), ...].

    static       (address, mask, gateway, name server) instead of DHCP
    deadline_ms  for one attempt, DHCP included
    reset_after  failed attempts after which the radio is switched off and on
    pm           power management as the port counts it: 0xa11140 on RP2 turns saving off
    Raises ValueError for an argument that is wrong.

    `state` is "off", "connecting", "up", or after a failure "waiting" and, while the radio is
    off for a moment, "reset".
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
        clock=real_clock,
    ):
        if not networks:
            raise ValueError("wifi: wanted at least one network")
        for ssid, key in networks:
            if not 1 <= len(ssid.encode()) <= 32:
                raise ValueError("wifi: ssid: wanted 1 to 32 bytes")
            if key and not 8 <= len(key) <= 64:
                raise ValueError("wifi: the password of %r: wanted 8 to 63 characters" % ssid)
        if country and len(country) != 2:
            raise ValueError("wifi: country: wanted two letters, found %r" % country)
        self._network = network
        self._wlan = None  # while the radio is off
        self.networks = list(networks)
        self.country = country
        self.hostname = hostname
        self.static = static
        self.pm = pm
        self.deadline_ms = deadline_ms
        self.reset_after = reset_after
        self._backoff = backoff or Backoff(1000, 60000)
        self._clock = clock
        self._signal = clock.signal()
        self._task = None
        self._callbacks = []
        self._current = self._failed = 0  # attempts in a row
        self.state = "off"
        self.ups = self.resets = self.attempts = 0
        self.hint = ""

    # The link interface.

    def up(self) -> bool:
        return self.state == "up"

    def on_up(self, callback) -> None:
        """callback() each time the link comes up: a batcher's `kick`."""
        self._callbacks.append(callback)

    def start(self) -> None:
        """Bring it up and keep it so. Needs a running loop."""
        if self._task is None:
            self._task = self._clock.spawn(self._run())

    def stop(self) -> None:
        """Radio off."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._radio_off()
        self.state = "off"

    def rssi(self) -> "int | None":
        """dBm, None where it is not known."""
        try:
            return self._wlan.status("rssi") if self.state == "up" else None
        except (OSError, ValueError, TypeError):
            return None

    def dns(self) -> list:
        """Name servers, for a Resolver."""
        return [self._wlan.ifconfig()[3]] if self.state == "up" else []

    def status(self) -> dict:
        return {
            "state": self.state,
            "ssid": self.networks[self._current][0],
            "address": self._wlan.ifconfig()[0] if self.state == "up" else None,
            "rssi": self.rssi(),
            "hint": self.hint,
            "attempts": self.attempts,
            "ups": self.ups,
            "resets": self.resets,
        }

    def renew(self) -> None:
        """It says up, but nothing gets through: connect anew."""
        if self.state == "up":
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
            if state == "connecting" or state == "up":
                wlan = self._wlan
                ssid = self.networks[self._current][0]
                if wlan.isconnected() and wlan.ifconfig()[0] != "0.0.0.0":
                    if state != "up":
                        self.state = "up"
                        self.ups += 1
                        self._failed = 0
                        self.hint = ""
                        self._backoff.reset()
                        log("Wi-Fi: %s, %s" % (ssid, wlan.ifconfig()[0]))
                        for callback in self._callbacks:
                            callback()
                    return _GUARD_MS
                if state != "up":
                    code = wlan.status()
                    at = _HINTS.find(" %s " % code)
                    self.hint = hint = "status %s" % code
                    if at >= 0:
                        self.hint = hint = _HINTS[at : _HINTS.find("\n", at)].lstrip(" -0123456789")
                    if ticks_diff(now, self._since) < self.deadline_ms:
                        return _LOOK_MS
                    return self._fail(now, hint)
                log("Wi-Fi: lost %s" % ssid)
            elif state != "off":
                left = self._wait - ticks_diff(now, self._since)
                if left > 0:
                    return left
            return self._connect(now)
        except OSError as exc:  # a driver in a bad state raises from anywhere
            return self._fail(now, "%s" % exc)

    def _connect(self, now):
        wlan = self._wlan
        if wlan is None:
            network = self._network
            if self.country:
                network.country(self.country)
            if self.hostname:
                network.hostname(self.hostname)
            wlan = network.WLAN(network.STA_IF)
            wlan.active(True)
            if self.pm is not None:
                wlan.config(pm=self.pm)
            self._wlan = wlan
        self.state = "connecting"
        self._since = now
        self.attempts += 1
        try:
            wlan.disconnect()
        except OSError:
            pass  # it was not connected
        if self.static:
            wlan.ifconfig(self.static)
        ssid, key = self.networks[self._current]
        if key:
            wlan.connect(ssid, key)
        else:
            wlan.connect(ssid)
        return _LOOK_MS

    def _fail(self, now, hint):
        self.hint = hint
        self._failed += 1
        log("Wi-Fi: %s: %s" % (self.networks[self._current][0], hint))
        self._current = (self._current + 1) % len(self.networks)
        self._since = now
        wait = 1
        self.state = "waiting"
        if self._failed % self.reset_after == 0:
            self.state = "reset"
            self.resets += 1
            self._radio_off()
            wait = _RADIO_MS
        if self._current == 0 or self._failed >= len(self.networks):
            wait += self._backoff.next()  # everyone had a turn
        self._wait = wait
        return wait

    def _radio_off(self):
        wlan = self._wlan
        self._wlan = None
        if wlan is not None:
            for name, args in (("disconnect", ()), ("deinit", ()), ("active", (False,))):
                try:
                    getattr(wlan, name)(*args)
                except (OSError, AttributeError):
                    pass
