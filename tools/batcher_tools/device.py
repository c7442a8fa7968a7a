"""A board on a serial port (or `socket://`): code in its raw REPL, by mpremote's transport.

Every failure is a DeviceError of one line that says what to do; nothing else is raised.
"""

import io
import os
from contextlib import redirect_stdout

import serial
import serial.tools.list_ports
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

OLDEST = (1, 23, 0)  # .mpy version 6.3; the tests run on 1.26 and 1.29


class DeviceError(Exception):
    """What went wrong on the way to a board, in one line."""


def candidates() -> list:
    """Serial ports that look like a board: those with a USB identity."""
    ports = [port for port in serial.tools.list_ports.comports() if port.vid is not None]
    return sorted(ports, key=lambda port: port.device)


def choose(name: str | None) -> str:
    """The device to use: the one named, the variable BATCHER_DEVICE, or the only one there."""
    name = name or os.environ.get("BATCHER_DEVICE")
    if name:
        return name
    found = [port.device for port in candidates()]
    if not found:
        raise DeviceError(
            "no board found: plug one in with a USB cable that carries data, or name its port"
        )
    if len(found) > 1:
        raise DeviceError(f"{len(found)} boards found ({', '.join(found)}): name one")
    return found[0]


def open_port(name: str):
    """The serial port alone: what runs on the board goes on."""
    try:
        return serial.serial_for_url(name, baudrate=115200, timeout=1, exclusive=True)
    except (OSError, ValueError, serial.SerialException) as exc:
        raise DeviceError(Device(name)._why(exc))


class Device:
    """A connection in the raw REPL. A context manager; what runs on the board is interrupted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.transport = None

    def __enter__(self) -> "Device":
        self.open()
        return self

    def open(self) -> None:
        """Open the port and enter the raw REPL."""
        try:
            self.transport = SerialTransport(self.name, baudrate=115200, timeout=30)
        except (TransportError, OSError, ValueError, serial.SerialException) as exc:
            raise DeviceError(self._why(exc))
        self.enter()

    def _why(self, exc: Exception) -> str:
        if isinstance(exc, TransportError):  # which does not say what it was
            try:
                serial.serial_for_url(self.name, exclusive=True).close()
            except (OSError, ValueError, serial.SerialException) as cause:
                exc = cause
        if isinstance(exc, ValueError):
            wanted = "wanted a port such as /dev/ttyACM0, COM3 or socket://host:port"
            return f"{self.name}: {exc}: {wanted}"
        text = f"{exc} {exc.__context__}".lower()
        if "permission" in text:
            return f"{self.name}: no permission (on Linux: add yourself to the group dialout)"
        if "busy" in text or "lock" in text or "in use" in text:
            return f"{self.name} is in use: close the other program that has it open"
        if not self.name.startswith("socket:") and not os.path.exists(self.name):
            return f"{self.name} does not exist: `batcher devices` lists what does"
        return f"{self.name} cannot be opened, or another program has it open"

    def enter(self, attempts: int = 3) -> None:
        """Interrupt what runs and enter the raw REPL.

        More than once: a Ctrl-C that comes while a board starts is lost.
        """
        for last in [False] * (attempts - 1) + [True]:
            try:
                with redirect_stdout(io.StringIO()):
                    self.transport.enter_raw_repl(soft_reset=False, timeout_overall=6)
                return
            except (TransportError, OSError, serial.SerialException) as exc:
                gone = not isinstance(exc, TransportError)
                if last or gone:
                    self.close()
                    raise DeviceError(
                        f"{self.name} does not answer as MicroPython does: another program may "
                        "have the port open, or the board needs MicroPython "
                        "(https://micropython.org/download)"
                    )

    def run(self, code: str, timeout: float | None = 30, tell=None) -> str:
        """Run code -> what it printed; tell(bytes) is called with each piece.

        timeout: seconds of silence.
        """
        try:
            out, err = self.transport.exec_raw(code, timeout=timeout, data_consumer=tell)
        except TransportExecError as exc:
            raise DeviceError(f"{self.name}: {exc}")
        except (TransportError, OSError, serial.SerialException) as exc:
            raise DeviceError(f"{self.name}: the connection was lost ({exc})")
        if err:
            raise DeviceError(f"on the board: {err.decode(errors='replace').strip()}")
        return out.decode(errors="replace").replace("\r\n", "\n")

    def close(self) -> None:
        """Leave the raw REPL and close the port."""
        if self.transport is None:
            return
        try:
            if self.transport.in_raw_repl:
                self.transport.exit_raw_repl()
            self.transport.close()
        except (OSError, serial.SerialException):
            pass
        self.transport = None

    def __exit__(self, *_) -> None:
        self.close()
