"""The rest of port.py, for what talks to the network: sockets that do not block.

A file of its own so that a board without the uplink does not pay for it.
"""

# ruff: noqa: F401

from .port import MICROPYTHON, asyncio

if MICROPYTHON:
    from asyncio import core as _core  # type: ignore[attr-defined]

    async def _alarm(task, ms, over):
        while True:
            await asyncio.sleep_ms(ms)
            over.append(task.cancel())
            ms = 200  # again: a wait inside whose own time is up may take it for its own

    async def wait_for_ms(awaitable, ms):
        """As asyncio has it, with one task in place of two, and half of the garbage."""
        over = []
        alarm = asyncio.create_task(_alarm(_core.cur_task, ms, over))
        try:
            return await awaitable
        except asyncio.CancelledError:
            if over:
                raise asyncio.TimeoutError
            raise
        finally:
            alarm.cancel()

    def readable(sock):
        yield _core._io_queue.queue_read(sock)

    def writable(sock):
        yield _core._io_queue.queue_write(sock)

    def stream(sock):
        """-> with write(data, at, n) and readinto(view), which give None where they would wait.

        A connect or a handshake that fails shows at the first of them.
        """
        return sock

else:
    from .port_host import readable, stream, wait_for_ms, writable
