"""The demo's chips: host_tests/kit/chips run here and answer the board's bus over a socket."""

import contextlib
import socket
import sys
import threading

from ..paths import FIRMWARE, HOST_TESTS, ROOT


class Chips:
    """`with Chips() as chips:` serves the buses of boards/virtual.py on port `chips.port`.

    The protocol is in host_tests/kit/remote.py. `chips.buses[id].chips` are the emulations.
    """

    def __init__(self):
        for folder in (ROOT, FIRMWARE, HOST_TESTS):
            if str(folder) not in sys.path:
                sys.path.append(str(folder))
        from boards import virtual

        from kit import weather
        from kit.machine import I2C

        self.buses = {bus["id"]: I2C(bus["id"]) for bus in virtual.I2C.values()}
        for bus in self.buses.values():
            for chip in bus.chips.values():
                weather.attach(chip)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        gone = contextlib.suppress(ConnectionError)  # the board was ended in the middle
        with gone, connection, connection.makefile("rwb", buffering=4096) as stream:
            while len(head := stream.read(8)) == 8:
                operation, bus, address, flags = head[:4]
                register, length = head[4] << 8 | head[5], head[6] << 8 | head[7]
                data = stream.read(length) if operation in (1, 3) else bytearray(length)
                error = 0
                try:
                    self._do(operation, self.buses[bus], address, flags, register, data)
                except OSError as exc:
                    error = exc.errno
                stream.write(bytes((error,)))
                if not error and operation in (0, 2):
                    stream.write(data)
                stream.flush()

    @staticmethod
    def _do(operation, bus, address, flags, register, data):
        if operation == 0:
            bus.readfrom_into(address, data, bool(flags))
        elif operation == 1:
            bus.writeto(address, data, bool(flags))
        elif operation == 2:
            bus.readfrom_mem_into(address, register, data, addrsize=flags)
        else:
            bus.writeto_mem(address, register, data, addrsize=flags)
