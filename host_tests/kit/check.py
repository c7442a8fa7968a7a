"""Assertions for tests that run on both interpreters (there is no pytest on MicroPython)."""


class raises:
    """`with raises(ValueError, "capacity"):` it must be raised, its message holding the words.

    The exception is kept in `.exc`.
    """

    def __init__(self, kind, *words):
        self.kind = kind
        self.words = words
        self.exc = None

    def __enter__(self):
        return self

    def __exit__(self, kind, exc, traceback):
        assert exc is not None, "nothing was raised, wanted %s" % self.kind.__name__
        if not isinstance(exc, self.kind):
            return False
        self.exc = exc
        for word in self.words:
            assert word in str(exc), "%r is not in %r" % (word, str(exc))
        return True


def lists_of(thing) -> list:
    """The lists among an object's attributes, whatever their names: short ones on a board."""
    found = [getattr(thing, name) for name in dir(thing)]
    return [value for value in found if type(value) is list]
