"""Time and tasks as the batcher uses them; tests hand in a clock that they move themselves."""

from .port import Signal, ThreadSafeFlag, breathe, cancelling, create_task, current_task, ticks_ms


class Clock:
    """The interpreter's own clock and event loop."""

    ticks = staticmethod(ticks_ms)  # -> ms in 30 bits
    signal = Signal  # -> a wake-up for one waiter: set(), await wait(ms)
    flag = ThreadSafeFlag  # -> the same, set from an interrupt: set(), await wait()
    breathe = staticmethod(breathe)  # -> an awaitable: every other task gets its turn
    spawn = staticmethod(create_task)  # (coroutine) -> task; RuntimeError without a running loop
    current = staticmethod(current_task)  # -> the running task, None outside
    cancelling = staticmethod(cancelling)  # -> is somebody cancelling the running task?
