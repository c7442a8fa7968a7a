"""On CPython a pointer of viper code stays in its buffer, and an address ends with its call."""

from array import array

import pytest

from batcher.port import micropython, ptr8, ptr32


@micropython.viper
def at(buf, move: int) -> int:
    return ptr8(int(ptr8(buf)) + move)[0]


@micropython.viper
def word_at(buf: ptr32, move: int) -> int:
    return ptr32(int(buf) + move)[0]


@micropython.viper
def address(buf: ptr8) -> int:
    return int(buf)


@micropython.viper
def both(one, other) -> int:
    where = int(ptr8(other)) - int(ptr8(one))
    return ptr8(int(ptr8(one)) + where)[0] + address(one) * 0


def test_bytes_that_are_read_only():
    assert at(b"abc", 2) == 99


@pytest.mark.parametrize("move", [-1, 3, 1 << 30, -1 << 31])
def test_an_address_outside_of_its_buffer(move):
    with pytest.raises(IndexError):
        at(b"abc", move)


def test_a_word_at_an_odd_address():
    assert word_at(array("I", [1, 2]), 4) == 2
    with pytest.raises(ValueError):
        word_at(array("I", [1, 2]), 2)
    with pytest.raises(IndexError):
        word_at(array("I", [1, 2]), 8)


def test_no_address_outlives_its_function():
    where = address(bytearray(3))
    with pytest.raises((IndexError, TypeError)):
        ptr8(where)
    with pytest.raises(TypeError):
        ptr8(17)


def test_each_buffer_has_its_own():
    assert both(bytearray(b"a"), bytearray(b"b")) == 98


def test_the_buffer_may_grow_afterwards():
    buf = bytearray(b"abc")
    assert at(buf, 0) == 97
    buf.extend(b"def")
    assert at(buf, 5) == 102
