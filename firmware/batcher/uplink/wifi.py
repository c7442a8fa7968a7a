"""Keeps `network.WLAN` connected, because the ports lie about it.

ESP32 says "connecting" for ever; RP2's negative status may pass. So nothing but a deadline
ends an attempt, `connect()` is issued anew, every network gets its turn, waits grow with
jitter, and after some failures the radio is switched off and on. The link interface is
`up() start() stop() on_up(callback) rssi() status() dns()`: Ethernet or a modem can stand in.

Rules: one task decides everything, and its every wait has an end. No password is ever printed.
"""

from .. import port
from ..backoff import Backoff
from ..errors import whole
from ..port import const, log, ticks_diff

_LOOK_MS = const(250)  # while connecting
_GUARD_MS = const(1000)  # while up
_RADIO_MS = const(500)  # off, in a reset

# What status() says on ESP32 (200..1010) and RP2 (-3..3), as a hint and never as a verdict.
_HINTS = """
 -3 202 wrong password
 -2 201 network not found
 -1 203 connection failed
 0 link down
 1 1001 connecting
 2 no address from DHCP yet
 200 beacon lost
 204 no handshake: wrong password?
 210 211 no network with that security
 212 weak signal
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

    state = "off"
    hint = ""
    ups = resets = attempts = 0
    _current = 0  # of the networks
    _task = None

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
        clock=port,
    ):
        whole("wifi: networks", len(networks or ()), 1, 99)
        for ssid, key in networks:
            whole("wifi: bytes of an ssid", len(ssid.encode()), 1, 32)
            if key:
                whole("wifi: length of the password of %r" % ssid, len(key), 8, 64)
        if country:
            whole("wifi: letters of the country", len(country), 2, 2)
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
        self._signal = clock.signal()  # connect anew
        self._told = []

    # The link interface.

    def up(self) -> bool:
        return self.state == "up"

    def on_up(self, callback) -> None:
        """callback() each time the link comes up: a batcher's `kick`."""
        self._told.append(callback)

    def start(self) -> None:
        """Bring it up and keep it so. Needs a running loop."""
        if not self._task:
            self._task = self._clock.spawn(self._run())

    def stop(self) -> None:
        """Radio off."""
        if self._task:
            self._task.cancel()
            self._task = None
        self._radio_off()
        self.state = "off"

    def rssi(self) -> "int | None":
        """dBm, None where it is not known."""
        if self.up():
            try:
                return self._wlan.status("rssi")
            except (OSError, ValueError, TypeError):
                pass
        return None

    def dns(self) -> list:
        """Name servers, for a Resolver."""
        return [self._wlan.ifconfig()[3]] if self.up() else []

    def status(self) -> dict:
        return {
            "state": self.state,
            "ssid": self.networks[self._current][0],
            "address": self._wlan.ifconfig()[0] if self.up() else None,
            "rssi": self.rssi(),
            "hint": self.hint,
            "attempts": self.attempts,
            "ups": self.ups,
            "resets": self.resets,
        }

    def renew(self) -> None:
        """It says up, but nothing gets through: connect anew."""
        if self.up():
            self._signal.set()

    async def _run(self):
        wait = self._signal.wait
        ticks = self._clock.ticks
        failed = 0  # attempts in a row
        while True:
            ssid, key = self.networks[self._current]
            try:
                wlan = self._wlan or self._radio_on()
                self.state = "connecting"
                since = ticks()
                self.attempts += 1
                try:
                    wlan.disconnect()
                except OSError:
                    pass  # it was not connected
                if self.static:
                    wlan.ifconfig(self.static)
                wlan.connect(ssid, key or None)
                ms = _LOOK_MS
                while True:
                    hint = "nothing gets through"
                    if await wait(ms) and self.up():
                        break
                    if wlan.isconnected() and wlan.ifconfig()[0] != "0.0.0.0":
                        if not self.up():
                            self.state = "up"
                            self.ups += 1
                            self.hint = ""
                            failed = 0
                            ms = _GUARD_MS
                            self._backoff.reset()
                            log("Wi-Fi: %s, %s" % (ssid, wlan.ifconfig()[0]))
                            for callback in self._told:
                                callback()
                    elif self.up():
                        hint = ""
                        log("Wi-Fi: lost %s" % ssid)
                        break
                    else:
                        code = wlan.status()
                        at = _HINTS.find(" %s " % code)
                        hint = "status %s" % code
                        if at >= 0:
                            hint = _HINTS[at : _HINTS.find("\n", at)].lstrip(" -0123456789")
                        self.hint = hint
                        if ticks_diff(ticks(), since) >= self.deadline_ms:
                            break
            except Exception as exc:  # a driver in a bad state raises from anywhere
                hint = "%r" % exc
            if hint:
                self.hint = hint
                failed += 1
                log("Wi-Fi: %s: %s" % (ssid, hint))
                n = len(self.networks)
                self._current = (self._current + 1) % n
                ms = 1
                self.state = "waiting"
                if failed % self.reset_after == 0:
                    self.state = "reset"
                    self.resets += 1
                    self._radio_off()
                    ms = _RADIO_MS
                if self._current == 0 or failed >= n:
                    ms += self._backoff.next()  # everyone had a turn
                await wait(ms)

    def _radio_on(self):
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
        return wlan

    def _radio_off(self):
        wlan = self._wlan
        self._wlan = None
        if wlan:
            for name, args in (("disconnect", ()), ("deinit", ()), ("active", (False,))):
                try:
                    getattr(wlan, name)(*args)
                except (OSError, AttributeError):
                    pass
