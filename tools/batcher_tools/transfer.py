"""Files onto a board over its REPL's serial line, and the switch to them."""

import serial

from .artifacts import Artifact
from .board import ONBOARD
from .device import Device, DeviceError

NEW = "/batcher.new"
READY = f"{NEW}/READY"
STALLED = 20  # seconds in which the board says nothing of what it should be doing
CHUNK = 240  # bytes until the board says that it has them: what a UART bridge can hold


def script(name: str) -> str:
    """A file of onboard/, up to its line `# start`."""
    return (ONBOARD / name).read_text().partition("# start\n")[0]


def send(device: Device, files: list[Artifact], progress=None) -> None:
    """Write files, folders too; the name of each appears when it is whole."""
    device.run(script("receiver.py"))
    wanted = [(file.path, len(file.data)) for file in files]
    port = device.transport.serial
    try:
        device.transport.exec_raw_no_follow(f"receive({wanted!r})")
        for file in files:
            for start in range(0, len(file.data), CHUNK):
                piece = file.data[start : start + CHUNK]
                port.write(piece)
                answer = port.read(1)
                if answer != b"+":
                    raise DeviceError(
                        f"the board did not take {file.path}: {rest(device, answer)}; what has "
                        "arrived is kept, and the next deploy goes on from there"
                    )
                if progress:
                    progress(len(piece))
        _, err = device.transport.follow(20)
    except (OSError, serial.SerialException) as exc:
        raise DeviceError(f"{device.name}: the connection was lost ({exc})")
    if err:
        raise DeviceError(f"on the board: {err.decode(errors='replace').strip()}")


def rest(device: Device, start: bytes) -> str:
    """Why the board stopped: the last line of its traceback, where there is one."""
    try:
        said = start + b"".join(device.transport.follow(8))
    except Exception:  # noqa: BLE001 (the port may be gone, or silent)
        said = start
    lines = said.decode(errors="replace").strip("\x04 \r\n").splitlines()
    return lines[-1] if lines else "it fell silent"


def put_file(device: Device, path: str, data: bytes) -> None:
    """One file, whole or not at all: written beside the old one and renamed over it."""
    send(device, [Artifact(f"{path}.new", data)])
    device.run(script("launcher.py") + f"move('{path}.new', '{path}')")


def switch(device: Device, moved: list[str], removed: list[str], progress=None) -> None:
    """Put the new files in their places. Once READY is there, a power cut does not stop it.

    progress(path) is called for each; it may take as long as it wants, as long as it goes on.
    """
    lines = [f"move /{path}" for path in moved] + [f"remove {path}" for path in removed]
    send(device, [Artifact(READY, "".join(f"{line}\n" for line in lines).encode())])
    held = b""

    def tell(data: bytes) -> None:
        nonlocal held
        *paths, held = (held + data).split(b"\n")
        for path in paths if progress else []:
            progress(path.decode(errors="replace").strip())

    device.run(script("launcher.py") + "switch(print)", timeout=STALLED, tell=tell)
