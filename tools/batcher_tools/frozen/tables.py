"""Our modules as the tables of an image: what MicroPython's build makes of a manifest, as bytes.

Rules: all of it lies behind the stock image, which stays as it is but for the words that refer to
the last pool of names, the list of frozen files and the table of frozen modules. The layouts are
those of py/emitglue.h, py/bc.h, py/objstr.h and py/objint.h for a 32-bit port.
"""

import struct

from ..mpyfile import FUN_TABLE, NATIVE, VIPER, Code, Module, read
from .image import BASE, IMMEDIATE, STORAGE, Image, ImageError

_SORTED = 0x80000000
_FIRST_POOL = 10  # names that the first pool in RAM has room for, halved


def add(image: Image, files: dict[str, bytes]) -> bytes:
    """-> the flash with more frozen modules: {path such as "batcher/ring.py": its .mpy}.

    Raises ImageError where one is frozen already, cannot be, or does not fit.
    """
    for path in files:
        if path.encode() in image.files:
            raise ImageError(f"{path} is in this image already: wanted a stock image")
    writer = _Writer(image)
    modules = {}
    for path, data in files.items():
        try:
            modules[path] = read(data)
        except ValueError as exc:
            raise ImageError(f"{path}: {exc}")
    pool = writer.pool(path for path in _names(modules))
    tables = [writer.module(path, module) for path, module in modules.items()]
    old = [image.word(image.modules + 4 * k) for k in range(len(image.files))]
    table = writer.words(*old, *tables)
    listed = b"".join(name + b"\0" for name in [*image.files, *(p.encode() for p in files)])
    names = writer.put(listed + b"\0")
    moved = {image.pools[-1].address: pool, image.modules: table, image.names: names}
    flash = bytearray(writer.out)
    for before, after in moved.items():
        for index in image.places[before]:
            struct.pack_into("<I", flash, 4 * index, after)
    if BASE + len(flash) > STORAGE:
        over = BASE + len(flash) - STORAGE
        raise ImageError(f"the image is {over} bytes too long: it would reach the file system")
    return bytes(flash)


def _names(modules):
    found = set(modules)
    for module in modules.values():
        found.update(name for name in module.names if isinstance(name, str))
    return found


class _Writer:
    def __init__(self, image: Image) -> None:
        self.image = image
        self.ids = dict(image.ids)
        self.out = bytearray(image.flash)
        self.out += bytes(-len(self.out) % 256)

    def put(self, data: bytes, align: int = 1) -> int:
        """Append bytes -> their address."""
        self.out += bytes(-len(self.out) % align)
        self.out += data
        return BASE + len(self.out) - len(data)

    def words(self, *values: int) -> int:
        return self.put(struct.pack(f"<{len(values)}I", *values), 4)

    def pool(self, names) -> int:
        """A pool of those names that the image has not."""
        image = self.image
        new = sorted(name.encode() for name in names if name not in image.ids)
        for number, name in enumerate(new):
            self.ids[name.decode()] = image.total + number
            if len(name) > 255:
                raise ImageError(f"a name of {len(name)} bytes: at most 255")
        size = image.hash_bytes
        hashes = self.put(b"".join(image.hash_of(n).to_bytes(size, "little") for n in new), size)
        lengths = self.put(bytes(len(name) for name in new))
        texts = [self.put(name + b"\0") for name in new]
        last = image.pools[-1].address
        room = min(len(new), _FIRST_POOL)
        head = (last, image.total | _SORTED, room, len(new), hashes, lengths)
        return self.words(*head, *texts)

    def module(self, path: str, module: Module) -> int:
        names = [self.ids[name] if isinstance(name, str) else name for name in module.names]
        if not str(module.names[0]).endswith(".py"):  # then the code may have that name, too
            raise ImageError(f"{path}: wanted a file compiled as *.py, found {module.names[0]!r}")
        names[0] = self.ids[path]
        table = self.put(struct.pack(f"<{len(names)}H", *names), 4)
        constants = self.words(*[self.constant(value) for value in module.constants])
        return self.words(table, constants, self.code(module.code))

    def code(self, code: Code) -> int:
        data = self.put(code.data, 4 if code.kind in (NATIVE, VIPER) else 1)
        inner = [self.code(child) for child in code.children]
        children = 0
        if code.kind == NATIVE:
            # Behind its children, or instead of them, native code has its prelude.
            prelude = data + code.prelude
            children = self.words(*inner, prelude) if inner else prelude
        elif inner:
            children = self.words(*inner)
        return self.words(code.kind << 16 | code.generator << 24, data, children)

    def constant(self, value) -> int:
        """-> the object (mp_obj_t) that is `value`."""
        types = self.image.types
        if value is FUN_TABLE:
            return self.image.functions
        if value is None or value is True or value is False:
            return IMMEDIATE[value]
        if value is ...:
            return self.image.ellipsis
        if isinstance(value, str) and value in self.ids:
            return self.ids[value] << 3 | 2
        if isinstance(value, (str, bytes)):
            text = value.encode() if isinstance(value, str) else value
            data = self.put(text + b"\0")
            kind = types["str" if isinstance(value, str) else "bytes"]
            return self.words(kind, self.image.hash_of(text), len(text), data)
        if isinstance(value, int):
            if -(2**30) <= value < 2**30:
                return (value << 1 | 1) & 0xFFFFFFFF
            count = -(-abs(value).bit_length() // 16)
            digits = self.put(abs(value).to_bytes(2 * count, "little"), 4)
            # mpz_t: sign and "not to be changed" in two bits, then digits there is room for.
            return self.words(types["int"], (value < 0) | 2 | count << 2, count, digits)
        if isinstance(value, float):
            return self.put(struct.pack("<If", types["float"], value), 4)
        if isinstance(value, tuple):
            items = [self.constant(item) for item in value]
            return self.words(types["tuple"], len(items), *items)
        raise ImageError(f"a constant {value!r} cannot be frozen")
