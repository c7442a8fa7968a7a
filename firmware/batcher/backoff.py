"""How long to wait after a failure: exponential, with full jitter, in integers, capped.

Full jitter spreads a thousand boards that lost the same server evenly over the wait
(a uniform draw from 0 to the exponential bound), so that its return is not its next fall.
"""

from .errors import whole
from .port import random_bits


class Backoff:
    """The n-th failure in a row waits 1..bound ms, bound = min(cap_ms, first_ms * 2**n).

    `rand(bits)` -> int may be handed in; it gives the jitter.
    """

    def __init__(self, first_ms: int = 1000, cap_ms: int = 60000, rand=random_bits):
        self.cap_ms = whole("cap_ms", cap_ms, 1, 0x1FFFFFFF)
        self.first_ms = self._bound = whole("first_ms", first_ms, 1, cap_ms)
        self._rand = rand

    def next(self) -> int:
        """-> ms to wait now; the next answer may be twice as long."""
        bound = self._bound
        # Compare before doubling: the bound stays a small int.
        self._bound = self.cap_ms if bound > self.cap_ms >> 1 else bound << 1
        return 1 + self._rand(29) % bound

    def reset(self) -> None:
        """Progress was made."""
        self._bound = self.first_ms
