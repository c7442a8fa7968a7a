"""What port.py exports, for CPython. A board never loads this file."""

import asyncio
import functools
import os
import socket
import ssl
import threading
import time
from binascii import crc32  # noqa: F401
from os import urandom
from random import getrandbits as random_bits  # noqa: F401

TICKS_MAX = 0x3FFFFFFF


def ticks_ms():
    return (time.monotonic_ns() // 1_000_000) & TICKS_MAX


def ticks_us():
    return (time.monotonic_ns() // 1_000) & TICKS_MAX


def ticks_add(ticks, delta):
    return (ticks + delta) & TICKS_MAX


def ticks_diff(end, start):
    return ((end - start + 0x20000000) & TICKS_MAX) - 0x20000000


def const(x):
    return x


# Pointers of viper code, and its addresses: `int(ptr8(buf))` is the address of the first byte, a
# plain number that + and - move, and `ptr8(address)`, ptr16 and ptr32 point at what is there. Here
# a buffer is at an address while the viper function runs that asked for it, in its thread.

_PLACE = 1 << 32  # from the address of one buffer to that of the next


class _Held(threading.local):
    def __init__(self):
        self.buffers = []  # at _PLACE, 2 * _PLACE ...


_held = _Held()


class _Buffer:
    def __init__(self, buffer):
        self.buffer = buffer
        self.views = {}  # of whole words of each size

    def view(self, size, code):
        found = self.views.get(size)
        if found is None:
            view = memoryview(self.buffer).cast("B")
            self.views[size] = found = view[: len(view) // size * size].cast(code)
        return found


class _Pointer:
    """Loads are unsigned, stores keep the low bits, and neither leaves the buffer."""

    size = 1
    code = "B"

    def __init__(self, x):
        self._at = 0
        if isinstance(x, int):
            place = (x + _PLACE // 2) // _PLACE
            self._at = x - place * _PLACE
            self._buffer = _held.buffers[place - 1] if place > 0 else _Buffer(None)
        elif isinstance(x, _Pointer):
            self._buffer, self._at = x._buffer, x._at
        else:
            self._buffer = _Buffer(x)
        self._words = self._buffer.view(self.size, self.code)

    def __int__(self):
        buffers = _held.buffers
        mine = self._buffer.buffer
        place = 0
        while place < len(buffers) and buffers[place].buffer is not mine:
            place += 1
        if place == len(buffers):
            buffers.append(self._buffer)
        return (place + 1) * _PLACE + self._at

    def _index(self, i):
        i = i * self.size + self._at
        if i < 0:
            raise IndexError("pointer: %d before the buffer" % -i)
        if i % self.size:
            raise ValueError("pointer: wanted a whole word, found one at %d" % i)
        return i // self.size

    def __getitem__(self, i):
        return self._words[self._index(i)]

    def __setitem__(self, i, x):
        self._words[self._index(i)] = x & ((1 << 8 * self.size) - 1)


class ptr8(_Pointer):  # noqa: N801
    def __getitem__(self, i):  # the same, sooner: most of viper code is about bytes
        i += self._at
        return self._words[i if i >= 0 else self._index(i - self._at)]

    def __setitem__(self, i, x):
        i += self._at
        self._words[i if i >= 0 else self._index(i - self._at)] = x & 255


class ptr16(_Pointer):  # noqa: N801
    size = 2
    code = "H"


class ptr32(_Pointer):  # noqa: N801
    size = 4
    code = "I"


def uint(x):
    return int(x)


class micropython:
    """What firmware code uses of the module of that name."""

    @staticmethod
    def native(f):
        return f

    @staticmethod
    def viper(f):
        """Arguments annotated as pointers are such."""
        names = f.__code__.co_varnames[: f.__code__.co_argcount]
        kinds = [(i, f.__annotations__.get(name)) for i, name in enumerate(names)]
        pointers = [(i, kind) for i, kind in kinds if kind in (ptr8, ptr16, ptr32)]

        @functools.wraps(f)
        def call(*args):
            given = list(args)
            for i, kind in pointers:
                given[i] = kind(given[i])
            buffers = _held.buffers
            n = len(buffers)
            try:
                return f(*given)
            finally:
                if len(buffers) > n:
                    del buffers[n:]

        return call


class Signal:
    """The same on CPython: one waiter, `set()`, `await wait(ms)` -> was it set."""

    def __init__(self):
        self._set = False
        self._future = None

    def set(self):
        self._set = True
        future = self._future
        if future is not None and not future.done():
            future.set_result(None)

    async def wait(self, ms):
        if not self._set:
            loop = asyncio.get_running_loop()
            self._future = loop.create_future()
            timer = loop.call_later(ms / 1000, self._expire, self._future)
            try:
                await self._future
            finally:
                timer.cancel()
                self._future = None
        was_set = self._set
        self._set = False
        return was_set

    @staticmethod
    def _expire(future):
        if not future.done():
            future.set_result(None)


def wait_for_ms(awaitable, ms):
    return asyncio.wait_for(awaitable, ms / 1000)


async def _ready(sock, add, remove):
    future = asyncio.get_running_loop().create_future()
    add(sock, lambda: future.done() or future.set_result(None))
    try:
        await future
    finally:
        remove(sock)


def readable(sock):
    loop = asyncio.get_running_loop()
    return _ready(sock, loop.add_reader, loop.remove_reader)


async def writable(sock):
    if getattr(sock, "wants_read", False):
        await readable(sock)
        return
    loop = asyncio.get_running_loop()
    await _ready(sock, loop.add_writer, loop.remove_writer)
    if isinstance(sock, socket.socket):  # it was connecting; a TLS socket must not be made of it
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))


class stream:
    """A socket as MicroPython's are: a write or read gives None where it would have to wait.

    TLS shakes hands with the first of them.
    """

    def __init__(self, sock):
        self._sock = sock
        self.wants_read = False  # a write that waits for bytes of the handshake

    def _try(self, call, data):
        self.wants_read = False
        try:
            return call(data)
        except ssl.SSLWantReadError:
            self.wants_read = True
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        return None

    def write(self, data, at, n):
        return self._try(self._sock.send, memoryview(data)[at : at + n])

    def readinto(self, view):
        return self._try(self._sock.recv_into, view)

    def fileno(self):
        return self._sock.fileno()

    def close(self):
        self._sock.close()


def set_rtc(unix):
    pass


def is_awaitable(x):
    return hasattr(x, "__await__")


def current():
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def spawn(coroutine):
    try:
        return asyncio.create_task(coroutine)
    except RuntimeError:
        coroutine.close()
        raise


def breathe():
    return asyncio.sleep(0)


def cancelling():
    return asyncio.current_task().cancelling() > 0


class flag:  # noqa: N801
    """MicroPython's class of that name: set() from anywhere, one task waits."""

    def __init__(self):
        self._event = asyncio.Event()
        self._loop = None

    def set(self):
        if self._loop is None:
            self._event.set()
        else:
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self):
        self._loop = asyncio.get_running_loop()
        await self._event.wait()
        self._event.clear()


def disable_irq():
    return 0


def enable_irq(state):
    pass


def unique_id():
    return urandom(8)


# Files, for segfiles.py.


def write(file, buf, at, n):
    if file.write(memoryview(buf)[at : at + n]) != n:
        raise OSError(28, "short write")


def sync(file):
    file.flush()
    os.fsync(file.fileno())


def ilistdir(path):
    for name in os.listdir(path):
        yield (name,)
