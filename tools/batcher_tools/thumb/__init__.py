"""Viper code for Cortex-M0 (armv6m), half as long: mpy-cross writes it one step at a time.

Its branches are padded for the longest they could be, each operand goes through the stack, a
comparison makes a bool that is compared again. `compact` writes the same functions anew.
"""

from ..mpyfile import VIPER, read, replaced
from .decode import decode
from .encode import encode
from .improve import improve
from .ops import Unknown

VERSION = 2  # of what is written


def compact(file: bytes) -> bytes:
    """-> the .mpy with shorter viper functions; what is not understood stays as it is."""
    found = []
    try:
        todo = [read(file).code]
    except ValueError:  # code with relocations, which we write none of
        return file
    while todo:
        code = todo.pop()
        todo += code.children
        if code.kind == VIPER:
            data = shorter(code.data)
            if len(data) < len(code.data):
                found.append((code, data))
    return replaced(file, found)


def shorter(code: bytes) -> bytes:
    """-> the same function in fewer bytes, or as it is."""
    try:
        return encode(improve(decode(code)))
    except Unknown:
        return code


__all__ = ["VERSION", "compact", "shorter"]
