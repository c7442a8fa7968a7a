"""The board's USB console as a TCP port: `mpremote connect socket://127.0.0.1:PORT`.

rp2040py answers an idle OUT endpoint with zero-length packets without end, which keeps the
emulated processor busy with USB alone. A real host sends nothing until it has something to
say: here the endpoint's request is held until bytes have come in.
"""

import asyncio
import socket

ENDPOINT_ZERO = 0


class Console:
    """One client at a time, as on a serial port; what it sends waits for the board to take it."""

    def __init__(self, device) -> None:
        self.usb = device.mcu.usb_ctrl
        self.cdc = device.cdc
        self.pending = bytearray()  # on its way to the board
        self.wanted = None  # size of the read the board has asked for
        self.log = bytearray()  # the last of what the board printed, for those not connected
        self.printed = 0  # bytes printed since power on
        self.client = None
        self._serve_control = self.usb.on_endpoint_read
        self._cdc_reset = self.usb.on_reset
        self.usb.on_endpoint_read = self._on_read
        self.usb.on_reset = self._on_reset
        self.cdc.on_serial_data = self._on_data
        self.listen()

    def listen(self) -> None:
        """Open a port of our own: a forked board does this again."""
        self.client = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]

    def _on_reset(self) -> None:
        """The board has left the USB bus: whoever had the port open loses it."""
        self.wanted = None
        self.pending.clear()
        self._cdc_reset()
        client, self.client = self.client, None
        if client is not None:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _on_read(self, endpoint: int, size: int) -> None:
        if endpoint == ENDPOINT_ZERO or endpoint != self.cdc._out_endpoint:
            self._serve_control(endpoint, size)
            return
        self.wanted = size
        self._pass_on()

    def _pass_on(self) -> None:
        if self.wanted is None or not self.pending:
            return
        piece = bytes(self.pending[: self.wanted])
        del self.pending[: self.wanted]
        self.wanted = None
        self.usb.endpoint_read_done(self.cdc._out_endpoint, piece)

    def send(self, data: bytes) -> None:
        """Type `data` at the board."""
        self.pending += data
        self._pass_on()

    def _on_data(self, data) -> None:
        self.log += data
        self.printed += len(data)
        if len(self.log) > 200_000:
            del self.log[:100_000]
        client = self.client
        if client is not None:
            try:
                client.sendall(bytes(data))
            except OSError:
                self.client = None

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        if self.client is not None:
            await self._talk(loop, self.client)
        while True:
            client, _ = await loop.sock_accept(self.listener)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A second client waits in the listener's queue until the first has gone.
            await self._talk(loop, client)

    async def _talk(self, loop, client) -> None:
        client.setblocking(False)
        self.client = client
        try:
            while data := await loop.sock_recv(client, 4096):
                self.send(data)
        except OSError:
            pass
        if self.client is client:
            self.client = None
        client.close()
