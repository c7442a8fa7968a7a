"""What is on a board, told by the board itself, and its maintenance start.

In maintenance the launcher (onboard/launcher.py) does not start the firmware, and so no
watchdog: a running one cannot be stopped, and would reset the board in the middle of a
transfer or a session in the REPL. A file on the board asks for it, so that it outlasts resets.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

from .device import OLDEST, Device, DeviceError

ONBOARD = Path(__file__).parent / "onboard"
LAUNCHER = "/main.py"
FLAG = "/batcher/maintenance"


@dataclass
class Survey:
    """What survey.py printed."""

    version: tuple = ()
    mpy: int = 0
    platform: str = ""
    machine: str = ""
    running: bool = False  # the firmware was running when we came
    block: int = 4096  # bytes of a flash block
    free: int = 0  # blocks
    blocks: int = 0
    launcher: bool = False  # its main.py is ours
    frozen: str = ""  # the fingerprint of the firmware in its image
    files: dict = field(default_factory=dict)  # path: [size, hash or "-"]
    record: dict = field(default_factory=dict)  # path: hash, of the last deploy

    def has(self, path: str, data: bytes, digest: str) -> bool:
        """Is that file there, with these bytes?"""
        return self.files.get(path) == [len(data), digest]


def survey(device: Device, verify: bool = False) -> Survey:
    """Ask the board; DeviceError where its MicroPython is too old for the firmware.

    verify: it reads all its files; otherwise it goes by their sizes and the last deploy's record.
    """
    found = Survey()
    record = found.record
    code = f"verify = {verify}\n" + (ONBOARD / "survey.py").read_text()
    for line in device.run(code, timeout=60).splitlines():
        word, _, rest = line.partition(" ")
        if word == "version":
            found.version = tuple(map(int, rest.split(".")))
        elif word == "mpy":
            found.mpy = int(rest)
        elif word in ("platform", "machine", "frozen"):
            setattr(found, word, rest)
        elif word in ("running", "launcher"):
            setattr(found, word, rest == "1")
        elif word == "flash":
            found.block, found.free, found.blocks = map(int, rest.split())
        elif word == "file":
            name, size, digest = rest.rsplit(" ", 2)
            found.files[name] = [int(size), digest]
        elif word == "record":
            digest, name = rest.split(" ", 1)
            record[name] = digest
    for name, entry in found.files.items():
        if entry[1] == "-":
            entry[1] = record.get(name, "-")
    if found.version < OLDEST:
        raise DeviceError(
            f"MicroPython {dotted(found.version)} on the board is too old: {dotted(OLDEST)} or "
            "later is needed (https://micropython.org/download)"
        )
    return found


def dotted(version: tuple) -> str:
    return ".".join(map(str, version))


def restart(device: Device, wait: bool = True) -> None:
    """Reset the board; wait=True: until it answers again, in the raw REPL."""
    try:
        device.transport.exec_raw_no_follow("import machine\nmachine.reset()")
    except Exception:  # noqa: BLE001 (the port goes away under us: that is what we want)
        pass
    try:  # until the port goes away, as it does with USB
        port = device.transport.serial
        port.timeout = 0.1
        for _ in range(15):
            port.read(64)
    except Exception:  # noqa: BLE001
        pass
    device.close()
    if wait:
        reopen(device)


def reopen(device: Device) -> None:
    """Wait until a board that was reset answers again, in the raw REPL."""
    deadline = time.monotonic() + 15
    while True:
        try:
            device.open()
            return
        except DeviceError:
            if time.monotonic() > deadline:
                raise DeviceError(f"{device.name} did not come back after its reset")
            time.sleep(0.3)


def maintain(device: Device, seen: Survey) -> bool:
    """Bring the board into its maintenance start, unless it is there -> whether it was reset."""
    if not seen.launcher:
        return False  # nothing of ours would start, so there is nothing to hold back
    if FLAG in seen.files and not seen.running:
        return False
    device.run(f"with open('{FLAG}', 'w') as f: f.write('1')")
    restart(device)
    return True


def leave(device: Device) -> None:
    """Leave maintenance: the board starts its firmware."""
    device.run(f"import os\ntry: os.remove('{FLAG}')\nexcept OSError: pass")
    restart(device, wait=False)
