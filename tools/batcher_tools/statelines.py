"""What state something is in, said when it changes, and not at each try."""

import time
from collections.abc import Callable

STEADY_S = 10  # a state that has held so long is not one that flaps


class StateLines:
    """`now(line, good)`, as often as one likes, says what is new.

    A line comes once, until all has been well for a while: two programs that throw each other
    out, or brokers that fail in turns, do not fill the log. A change that lasts is always said.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self._say = say
        self._clock = clock
        self._good: bool | None = None
        self._since = 0.0
        self._told = ("", False)
        self._said: set[str] = set()

    def now(self, line: str, good: bool) -> None:
        time_s = self._clock()
        if good != self._good:
            self._good, self._since = good, time_s
        steady = time_s - self._since >= STEADY_S
        if (line, good) != self._told and (
            line not in self._said or (steady and good != self._told[1])
        ):
            self._say(line)
            self._told = (line, good)
            self._said.add(line)
        if steady and good:
            self._said.clear()
