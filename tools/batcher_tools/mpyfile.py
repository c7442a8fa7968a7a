"""Read a .mpy file (version 6.3) into its parts.

The format is that of py/persistentcode.c in MicroPython's sources.
"""

from dataclasses import dataclass, field

BYTECODE, NATIVE, VIPER, ASSEMBLER = 2, 3, 4, 5  # kinds of code
GENERATOR = 1  # scope flags
RELOCATED = 0x70  # viper code with data or relocations of its own

FUN_TABLE = object()  # the constant that stands for the runtime's table of functions


@dataclass
class Code:
    """One function: its bytes and the functions in it."""

    kind: int
    data: bytes
    at: int  # of its head in the file; the data follows
    prelude: int | None = None  # where in `data`, of native code
    generator: bool = False
    children: list["Code"] = field(default_factory=list)


@dataclass
class Module:
    """names: strings, or the number of one that every MicroPython has."""

    names: list[str | int]
    constants: list
    code: Code


def read(data: bytes) -> Module:
    """-> the module. Raises ValueError for another format, or code that cannot lie in flash."""
    if data[:2] != b"M\x06" or data[2] & 3 != 3 and data[2] >> 2:
        raise ValueError(f"a .mpy file of version 6.3 is wanted, found {data[:4].hex()}")
    reader = _Reader(data, 4)
    names, constants = reader.uint(), reader.uint()
    module = Module(
        [reader.name() for _ in range(names)],
        [reader.constant() for _ in range(constants)],
        reader.code(),
    )
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} bytes follow the code")
    return module


def replaced(file: bytes, codes: list[tuple[Code, bytes]]) -> bytes:
    """-> the file with other data for some of its functions."""
    for code, data in sorted(codes, key=lambda pair: -pair[0].at):
        reader = _Reader(file, code.at)
        flags = reader.uint() & 7
        head = _uint(len(data) << 3 | flags)
        file = file[: code.at] + head + data + file[reader.at + len(code.data) :]
    return file


def _uint(value: int) -> bytes:
    out = [value & 127]
    while value := value >> 7:
        out.append(value & 127 | 128)
    return bytes(out[::-1])


class _Reader:
    def __init__(self, data, at):
        self.data = data
        self.at = at

    def take(self, count):
        self.at += count
        if self.at > len(self.data):
            raise ValueError("the file ends too soon")
        return self.data[self.at - count : self.at]

    def uint(self):
        value = 0
        while True:
            byte = self.take(1)[0]
            value = value << 7 | byte & 127
            if byte < 128:
                return value

    def name(self):
        length = self.uint()
        if length & 1:
            return length >> 1
        return self.take((length >> 1) + 1)[:-1].decode()

    def constant(self):
        kind = self.take(1)[0]
        if kind < 5:
            return (FUN_TABLE, None, False, True, Ellipsis)[kind]
        length = self.uint()
        if kind == 10:
            return tuple(self.constant() for _ in range(length))
        if kind in (5, 6):
            data = self.take(length + 1)[:-1]
            return data.decode() if kind == 5 else data
        text = self.take(length).decode()
        if kind in (7, 8):
            return (int, float)[kind - 7](text)
        raise ValueError(f"a constant of kind {kind} is not known")

    def code(self):
        at = self.at
        head = self.uint()
        code = Code((head & 3) + BYTECODE, self.take(head >> 3), at)
        prelude = 0
        if code.kind == NATIVE:
            code.prelude = prelude = self.uint()
        elif code.kind == VIPER:
            if self.uint() & RELOCATED:
                raise ValueError("viper code with relocations cannot lie in flash")
        elif code.kind == ASSEMBLER:
            raise ValueError("assembler code is not supported")
        if code.kind != VIPER:
            code.generator = bool(_flags(code.data, prelude) & GENERATOR)
        if head & 4:
            code.children = [self.code() for _ in range(self.uint())]
        return code


def _flags(data, at):
    # The scope flags of a prelude: in its bytes after the first, a bit each.
    flags = shift = 0
    while data[at] & 0x80:
        at += 1
        flags |= (data[at] >> 6 & 1) << shift
        shift += 1
    return flags
