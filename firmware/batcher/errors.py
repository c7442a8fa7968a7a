"""What a handler raises to say more than "it did not work", and what wrong arguments raise."""


class Rejected(Exception):
    """The other side has read the batch and will never take it.

    The batch is halved until the bad item stands alone; that one is given up and told to
    `on_drop`. Raise it only for what says "this content is wrong": everything else, a wrong
    password too, is a failure to wait on, and loses nothing.
    """


class RetryAfter(Exception):
    """The other side asks to be left alone for `ms` milliseconds (HTTP's Retry-After)."""

    def __init__(self, ms: int, reason: str = ""):
        super().__init__("retry after %d ms%s" % (ms, reason and ": " + reason))
        self.ms = ms


def whole(name: str, number: int, low: int, high: int) -> int:
    """-> the argument, where it is an int from low to high; TypeError or ValueError naming it."""
    if type(number) is not int:
        raise TypeError("%s: wanted an int, found %r" % (name, number))
    if not low <= number <= high:
        raise ValueError("%s: wanted %d to %d, found %d" % (name, low, high, number))
    return number
