"""The emulated board's Wi-Fi: a network on which there is 127.0.0.1 and nothing else.

The board sees an access point, a gateway 10.0.0.1 that answers DHCP, and behind the gateway's
address the ports of this machine's loopback. Any other address refuses TCP and swallows UDP.
An audit hook stands behind that: the process cannot open a connection that leaves the machine,
whatever the emulator's own code may try.
"""

import asyncio
import sys

from rp2040py.external.cyw43 import Cyw43439

GATEWAY = "10.0.0.1"
LOOPBACK = "127.0.0.1"

# How the link is: each of these is a way in which real ones are.
UP = "up"
DOWN = "down"  # no access point: the board is told, and cannot join
BLACKHOLE = "blackhole"  # joined, and every frame is lost
REFUSED = "refused"  # joined, and every new connection is refused
MODES = (UP, DOWN, BLACKHOLE, REFUSED)


def stay_on_loopback() -> None:
    """From here on this process cannot connect or send to any address but 127.0.0.1."""

    def hook(event: str, arguments: tuple) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[1]
            if isinstance(address, tuple) and address[0] not in (LOOPBACK, "localhost"):
                raise PermissionError(f"the emulated board may not reach {address[0]}")
        elif event == "socket.getaddrinfo":
            if arguments[0] not in (LOOPBACK, "localhost", None):
                raise PermissionError(f"the emulated board may not look up {arguments[0]}")

    sys.addaudithook(hook)


class LoopbackWifi(Cyw43439):
    """The board's Wi-Fi chip, on the network above."""

    def attach(self, rp2040) -> None:
        super().attach(rp2040)
        self.rp2040 = rp2040
        self.mode = UP
        self.frames = 0  # that the board sent
        self.reached: list[str] = []  # what it connected to
        self.refused: list[str] = []  # what it asked for and did not get
        self.dns_port: int | None = None  # where queries to 10.0.0.1:53 go, None: nowhere
        bridge = self.bus.nat_bridge
        bridge._tcp._connect_fn = self._connect
        self._udp_relay = bridge._udp._relay
        bridge._udp._relay = self._relay
        self._outbound = bridge.handle_outbound_ethernet_frame
        bridge.handle_outbound_ethernet_frame = self._frame
        self._join = self.bus._queue_join_events
        self.bus._queue_join_events = self._join_if_up

    def set_mode(self, mode: str) -> None:
        if mode not in MODES:
            raise ValueError(f"link mode {mode!r}: one of {', '.join(MODES)}")
        self.mode = mode
        if mode == DOWN:
            self.bus.nat_bridge.reset()
            self.bus._queue_disassoc_events()

    def _join_if_up(self) -> None:
        if self.mode != DOWN:
            self._join()

    def _frame(self, frame: bytes) -> None:
        self.frames += 1
        if self.mode not in (BLACKHOLE, DOWN):
            self._outbound(frame)

    async def _connect(self, host: str, port: int):
        if host != GATEWAY or self.mode != UP:
            self.refused.append(f"tcp {host}:{port}")
            raise ConnectionRefusedError(host)
        self.reached.append(f"tcp {LOOPBACK}:{port}")
        return await asyncio.open_connection(LOOPBACK, port)

    async def _relay(self, mac, ip, port, query, upstream, reply_ip, reply_port) -> None:
        wanted = ".".join(map(str, reply_ip)), reply_port
        target = self.dns_port if reply_port == 53 else reply_port
        if wanted[0] != GATEWAY or target is None or self.mode == REFUSED:
            self.refused.append(f"udp {wanted[0]}:{wanted[1]}")
            return
        self.reached.append(f"udp {LOOPBACK}:{target}")
        await self._udp_relay(mac, ip, port, query, (LOOPBACK, target), reply_ip, reply_port)


__all__ = ["BLACKHOLE", "DOWN", "GATEWAY", "LoopbackWifi", "REFUSED", "UP"]
