"""The boot counter and the names of a boot, kept on flash beside the spool.

Rules: a boot is named by its count (24 bits) and 40 random bits, so that neither an erased
flash nor a poor random generator names two boots alike. A wake from deep sleep is not a boot:
it goes on under the name that `sleep` left, once.
"""

from .port import urandom
from .segfiles import make_folders, open_file, read, sync, write
from .segment import get, put, seal

_SIZE = 28  # magic 4, CRC 4, boots 4, name 8, asleep 1, next sequence number 6, 1 spare
_MAGIC = b"BBT1"


class BootFile:
    """`folder`: of the spool. `woke`: this is a wake from deep sleep.

    count: boots so far, this one included; boot: 8 bytes; next_seq: where a Ring's numbers go
    on after a sleep, 0 after a boot; safe: False where flash does not work, the name is then
    random alone.
    """

    def __init__(self, folder: str, woke: bool = False, random=urandom):
        self.path = folder.rstrip("/") + "/boot"
        self.count = self.next_seq = 0
        self._buf = buf = bytearray(_SIZE)
        asleep = False
        for name in (self.path, self.path + "2"):
            if self._load(name) and get(buf, 8, 4) >= self.count:
                self.count = get(buf, 8, 4)
                self.boot = bytes(buf[12:20])
                asleep = buf[20] == 1
                self.next_seq = get(buf, 21, 6)
        if not (woke and asleep):
            self.count += 1
            self.next_seq = 0
            self.boot = bytes([self.count >> 16 & 255, self.count >> 8 & 255, self.count & 255])
            self.boot += random(5)
        try:
            make_folders(folder.rstrip("/"))
            self._save(False)
            self.safe = True
        except OSError:
            self.safe = False
            self.boot = random(8)

    def _load(self, name):
        buf = self._buf
        try:
            with open_file(name, "rb") as file:
                if read(file, buf, _SIZE) != _SIZE:
                    return False
        except OSError:
            return False
        return buf[:4] == _MAGIC and seal(buf, 0, buf, 8, _SIZE - 8, 0) == 1

    def _save(self, asleep):
        buf = self._buf
        buf[:4] = _MAGIC
        put(buf, 8, 4, self.count)
        buf[12:20] = self.boot
        buf[20] = asleep
        put(buf, 21, 6, self.next_seq)
        buf[27] = 0
        seal(buf, 0, buf, 8, _SIZE - 8, 1)
        for name in (self.path, self.path + "2"):  # one of them is whole at any moment
            with open_file(name, "wb") as file:
                write(file, buf, 0, _SIZE)
                sync(file)

    def sleep(self, next_seq: int = 0) -> bool:
        """Before deep sleep, after `spill_all`: the wake goes on under this boot's name."""
        self.next_seq = next_seq
        try:
            self._save(True)
        except OSError:
            return False
        return True
