"""Does this start look like the last three that never delivered anything? Then do not repeat it.

Rules: a file holds how many starts came before the first delivery: one flash write a start, one
at the first delivery, none after. Three such starts in a row, or a pin held at power-up, and
nothing is built but the LED (rest.py).
"""

import os

LIMIT = 3


class Starts:
    """`path`: the file. `begin()` at the start, `delivered()` when the first batch is taken."""

    def __init__(self, path: str = "starts"):
        self.path = path
        self._done = False

    def count(self) -> int:
        """-> starts without a delivery so far; what cannot be read counts as none."""
        try:
            with open(self.path) as file:
                return int(file.read(4))
        except (OSError, ValueError):
            return 0

    def begin(self, held: bool = False, asleep: bool = False) -> "str | None":
        """Count this start, unless it is a wake. -> why it has to be a safe one, or None."""
        if held:
            return "the pin for it was held at power-up"
        count = self.count()
        if count >= LIMIT:
            self._write(0)
            return "%d starts in a row ended before anything was delivered" % count
        if not asleep:
            self._write(count + 1)
        return None

    def delivered(self) -> None:
        """Something was taken: the firmware works. Costs nothing from the second time on."""
        if not self._done:
            self._done = True
            try:
                os.remove(self.path)
            except OSError:
                pass

    def _write(self, count):
        try:
            with open(self.path, "w") as file:
                file.write(str(count))
        except OSError:
            pass  # a full flash must not keep the firmware from starting
