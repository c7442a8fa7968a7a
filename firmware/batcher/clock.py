"""Time and tasks as the batcher uses them: this module is the clock that it is handed.

Tests hand in another, and move its time themselves.
    ticks()         -> ms in 30 bits
    signal()        -> a wake-up for one waiter: set(), await wait(ms) -> was it set
    flag()          -> the same, to be set from an interrupt: set(), await wait()
    breathe()       -> an awaitable: every other task gets its turn
    spawn(coro)     -> a task; RuntimeError without a running loop
    current()       -> the running task, None outside
    cancelling()    -> is somebody cancelling the running task?
"""

from .port import Signal as signal  # noqa: F401
from .port import ThreadSafeFlag as flag  # noqa: F401
from .port import breathe, cancelling  # noqa: F401
from .port import create_task as spawn  # noqa: F401
from .port import current_task as current  # noqa: F401
from .port import ticks_ms as ticks  # noqa: F401
