"""A stock MicroPython image for the Pico W (UF2), and where its tables of frozen things are.

Nothing is known by its address: each table is found by what is in it, and each find is checked
against another one. An image that differs is refused with what was looked for.
"""

import re
import struct
from dataclasses import dataclass

BASE = 0x10000000  # where the RP2040 sees its flash
STORAGE = 0x1012C000  # and where a Pico W's file system begins: the last 848 KB of 2 MB
FAMILY = 0xE48BFF56  # RP2040, in UF2's list of families
BOARD = b"Raspberry Pi Pico W with RP2040"
_BLOCK = struct.Struct("<8I")
_MAGIC = (0x0A324655, 0x9E5D5157)
_END = 0x0AB16F30
_SORTED = 0x80000000
IMMEDIATE = {None: 6, False: 14, True: 30}  # these objects are no addresses


class ImageError(ValueError):
    """This image cannot be used; the message says what was looked for."""


def from_uf2(data: bytes) -> bytes:
    """-> the flash from BASE on. Raises ImageError."""
    flash = bytearray()
    for number, at in enumerate(range(0, len(data) - 511, 512)):
        first, second, flags, address, size, place, count, family = _BLOCK.unpack_from(data, at)
        if (first, second) != _MAGIC or flags & 0x2000 and family != FAMILY:
            raise ImageError("wanted a UF2 image for RP2040, as RPI_PICO_W-*.uf2 is")
        if place != number or count * 512 != len(data) or size != 256:
            raise ImageError(
                f"the image is cut short or damaged: block {place} of {count}, "
                f"the file has {len(data) / 512:g}"
            )
        if address != BASE + len(flash):
            raise ImageError(f"the image has a gap at {address:#x}")
        flash += data[at + 32 : at + 32 + size]
    if not flash:
        raise ImageError("the image is empty: wanted RPI_PICO_W-*.uf2")
    return bytes(flash)


def to_uf2(flash: bytes) -> bytes:
    """The reverse of from_uf2."""
    flash += bytes(-len(flash) % 256)
    count = len(flash) // 256
    out = bytearray()
    for number in range(count):
        address = BASE + 256 * number
        out += _BLOCK.pack(*_MAGIC, 0x2000, address, 256, number, count, FAMILY)
        out += flash[256 * number : 256 * number + 256] + bytes(220) + struct.pack("<I", _END)
    return bytes(out)


@dataclass
class Pool:
    """A pool of names (qstr_pool_t in py/qstr.h)."""

    address: int
    before: int  # names in the pools before it
    count: int
    hashes: int
    lengths: int


class Image:
    """The tables of an image: `pools`, `names` and `modules` are addresses of frozen things."""

    def __init__(self, flash: bytes) -> None:
        if BOARD not in flash:
            raise ImageError(f"wanted an image for {BOARD.decode()!r}, found another board's")
        self.flash = flash
        self.words = struct.unpack(f"<{len(flash) // 4}I", flash[: len(flash) & ~3])
        self.places: dict[int, list[int]] = {}  # value -> offsets in words, of addresses in flash
        for index, word in enumerate(self.words):
            if BASE <= word < BASE + len(flash):
                self.places.setdefault(word, []).append(index)
        self.pools = self._pools()
        self.ids = {self.name(number): number for number in range(1, self.total)}
        self.hash_bytes = self._hash_bytes()
        self.names, self.files = self._names()
        self.modules = self._modules()
        self.types = self._types()
        self.ellipsis = self._ellipsis()
        self.functions = self._functions()

    @property
    def total(self) -> int:
        last = self.pools[-1]
        return last.before + last.count

    def inside(self, address: int) -> bool:
        return BASE <= address < BASE + len(self.flash)

    def word(self, address: int) -> int:
        return self.words[(address - BASE) // 4]

    def text(self, address: int) -> bytes:
        at = address - BASE
        return self.flash[at : self.flash.index(0, at)]

    def name(self, number: int) -> str:
        """-> the text of a name's number."""
        for pool in reversed(self.pools):
            if number >= pool.before:
                where = self.word(pool.address + 24 + 4 * (number - pool.before))
                return self.text(where).decode()
        raise KeyError(number)

    def hash_of(self, text: bytes) -> int:
        """djb2 as in py/qstr.c, cut to the width that this image keeps."""
        value = 5381
        for byte in text:
            value = (value * 33 ^ byte) & 0xFFFFFFFF
        return value & (256**self.hash_bytes - 1) or 1

    def _pool(self, index):
        _, before, _, count, hashes, lengths = self.words[index : index + 6]
        return Pool(BASE + 4 * index, before & ~_SORTED, count, hashes, lengths)

    def _pools(self):
        words = self.words
        found = [
            i
            for i in range(len(words) - 6)
            if words[i : i + 3] == (0, 0, 10)
            and 100 < words[i + 3] < 512
            and all(self.inside(word) for word in words[i + 4 : i + 8])
        ]
        if len(found) != 1:
            raise ImageError(f"wanted one first pool of names, found {len(found)}")
        pools = [self._pool(found[0])]
        while True:
            last = pools[-1]
            wanted = last.before + last.count | _SORTED
            after = [i for i in self.places.get(last.address, ()) if words[i + 1] == wanted]
            if not after:
                break
            if len(after) > 1:
                raise ImageError("two pools of names follow the same one")
            pools.append(self._pool(after[0]))
        if len(pools) < 2:
            raise ImageError("wanted two pools of names or more, found one")
        return pools

    def _hash_bytes(self):
        pool = self.pools[-1]
        for self.hash_bytes in (1, 2):
            size = self.hash_bytes
            kept = self.flash[pool.hashes - BASE : pool.hashes - BASE + size * pool.count]
            made = b"".join(
                self.hash_of(self.name(pool.before + k).encode()).to_bytes(size, "little")
                for k in range(pool.count)
            )
            if kept == made:
                return size
        raise ImageError("the hashes of the last pool are not those of its names")

    def _names(self):
        # The frozen files' names, one behind the other, up to an empty one.
        for match in re.finditer(rb"(?:[\w/.-]+\.py\0)+\0", self.flash):
            files = match[0].rstrip(b"\0").split(b"\0")
            if b"asyncio/__init__.py" not in files:
                continue
            at = BASE + match.start()
            while files:  # something else's text may stand before the first one
                if at in self.places:
                    return at, files
                at += len(files.pop(0)) + 1
        raise ImageError("found no list of frozen modules with asyncio in it")

    def _modules(self):
        # As many addresses in a row; the first name in each module's table is its file's.
        count = len(self.files)
        for index in range(len(self.words) - count):
            if all(
                self._is_module(self.words[index + k], file) for k, file in enumerate(self.files)
            ):
                return BASE + 4 * index
        raise ImageError(f"found no table of the {count} frozen modules")

    def _is_module(self, address, file):
        if not self.inside(address) or address & 3:
            return False
        table = self.word(address)
        if not self.inside(table) or table & 1:
            return False
        number = int.from_bytes(self.flash[table - BASE : table - BASE + 2], "little")
        return number in range(1, self.total) and self.name(number).encode() == file

    def _types(self):
        # The dict of builtins has each name beside the address of its type, which names itself.
        found = {}
        for name in ("str", "bytes", "int", "float", "tuple"):
            key = self.ids[name] << 3 | 2
            there = {
                self.words[i + 1]
                for i in range(len(self.words) - 1)
                if self.words[i] == key and self._is_type(self.words[i + 1], self.ids[name])
            }
            if len(there) != 1:
                raise ImageError(f"wanted one type {name}, found {len(there)}")
            found[name] = there.pop()
        return found

    def _is_type(self, address, number):
        # py/obj.h: the address of `type`, flags and the name's number. `type` is its own type.
        if not self.inside(address) or address & 3 or self.word(address + 4) >> 16 != number:
            return False
        kind = self.word(address)
        return self.inside(kind) and not kind & 3 and self.word(kind) == kind

    def _ellipsis(self):
        # The same dict has `Ellipsis` beside its address: a type without a name, its name.
        number = self.ids["Ellipsis"]
        key = number << 3 | 2
        found = {
            at
            for i in range(len(self.words) - 1)
            if self.words[i] == key and self.inside(at := self.words[i + 1]) and not at & 3
            and self.word(at + 4) == number and self._is_type(self.word(at), self.ids[""])
        }  # fmt: skip
        if len(found) != 1:
            raise ImageError(f"wanted one Ellipsis, found {len(found)}")
        return found.pop()

    def _functions(self):
        # mp_fun_table in py/nativeglue.c: None, False, True, then functions (odd: thumb code).
        start = tuple(IMMEDIATE[value] for value in (None, False, True))
        found = [
            BASE + 4 * i
            for i in range(len(self.words) - 40)
            if self.words[i : i + 3] == start
            and all(word & 1 and word >> 28 in (1, 2) for word in self.words[i + 3 : i + 11])
        ]
        if len(found) != 1:
            raise ImageError(f"wanted one table of functions for native code, found {len(found)}")
        return found[0]
