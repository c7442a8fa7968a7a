"""A batcher on virtual time, with a handler that does what the test says."""

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.errors import Rejected
from kit.clock import VirtualClock


class Rig:
    """The handler records each batch and returns `answer(batch)`."""

    def __init__(self, capacity=100, start=0, **options):
        self.clock = VirtualClock(start)
        self.calls = []  # the batches, copied
        self.times = []  # when each was handed over, virtual ms
        self.errors = []
        self.lost = []
        self.answer = lambda batch: None
        options.setdefault("backoff", Backoff(100, 1000, lambda bits: 99))
        options.setdefault("on_error", self.errors.append)
        options.setdefault("on_drop", lambda *what: self.lost.append(what))
        self.batcher = Batcher(capacity, clock=self.clock, **options)
        self.batcher.register_handler(self.handle)
        self.batcher.start()
        self.clock.run()

    def handle(self, batch):
        self.calls.append(list(batch))
        self.times.append(self.clock.elapsed)
        return self.answer(batch)

    @property
    def delivered(self):
        return [item for batch in self.calls for item in batch]

    def flush(self, timeout_ms=None):
        return self.clock.complete(self.batcher.flush(timeout_ms))

    def fail(self, times=1, exc=None):
        """The next calls raise, then all is well."""
        left = [times]

        def answer(batch):
            if left[0]:
                left[0] -= 1
                raise exc or OSError("down")

        self.answer = answer


def reject(*bad):
    """-> an answer that rejects a batch with one of these items in it."""

    def answer(batch):
        if any(item in bad for item in batch):
            raise Rejected("bad item")

    return answer
