"""Virtual time: a clock that the test moves, and tasks that it steps by hand.

It stands in for `batcher.port`, which is the real clock. Nothing sleeps; `advance(ms)` runs what
falls due, in order. Runs on MicroPython and on CPython.
"""

from batcher.port import TICKS_MAX, asyncio


class _Pause:
    """Awaiting it gives control back to the clock."""

    def __await__(self):
        yield self

    __iter__ = __await__


class Task:
    def __init__(self, coroutine):
        self.coroutine = coroutine
        self.wake_at = None  # in virtual ms since the start; None: only a signal wakes it
        self.ready = True
        self.done = False
        self.result = None
        self.exc = None
        self.cancel_asked = False
        self._throw = False

    def cancel(self):
        if not self.done:
            self.cancel_asked = True
            self._throw = True
            self.ready = True

    def step(self):
        self.ready = False
        self.wake_at = None
        try:
            if self._throw:
                self._throw = False
                self.coroutine.throw(asyncio.CancelledError())
            else:
                self.coroutine.send(None)
        except StopIteration as stop:
            self.done = True
            self.result = stop.value
        except asyncio.CancelledError as exc:
            self.done = True
            self.exc = exc
        except Exception as exc:
            self.done = True
            self.exc = exc

    def value(self):
        """-> what the coroutine returned; raises what it raised."""
        assert self.done, "the task has not ended"
        if self.exc is not None:
            raise self.exc
        return self.result


class Signal:
    def __init__(self, clock):
        self._clock = clock
        self._set = False
        self._task = None

    def set(self):
        self._set = True
        if self._task is not None:
            self._task.ready = True

    async def wait(self, ms=None):
        if not self._set:
            task = self._clock.task
            task.wake_at = None if ms is None else self._clock.elapsed + ms
            self._task = task
            try:
                await _Pause()
            finally:
                self._task = None
        was_set = self._set
        self._set = False
        return was_set


class VirtualClock:
    """`start`: the ticks at the beginning, to run through the wrap."""

    def __init__(self, start=0):
        self.start = start
        self.elapsed = 0
        self.task = None
        self.tasks = []

    # What the batcher uses.

    def ticks(self):
        return (self.start + self.elapsed) & TICKS_MAX

    def signal(self):
        return Signal(self)

    flag = signal

    async def breathe(self):
        self.task.ready = True
        await _Pause()

    def spawn(self, coroutine):
        task = Task(coroutine)
        self.tasks.append(task)
        return task

    def current(self):
        return self.task

    def cancelling(self):
        return self.task.cancel_asked

    # What the test uses.

    def step(self):
        """Run one ready task up to its next wait; -> was there one?"""
        for task in self.tasks:
            if task.ready:
                before = self.task
                self.task = task
                task.step()
                self.task = before
                if task.done:
                    self.tasks.remove(task)
                else:  # to the end of the queue: every task gets its turn
                    self.tasks.remove(task)
                    self.tasks.append(task)
                return True
        return False

    def run(self):
        """Step until every task waits."""
        steps = 0
        while self.step():
            steps += 1
            assert steps < 10000, "the tasks never come to rest"

    def advance(self, ms):
        """Let `ms` pass, running what falls due on the way."""
        end = self.elapsed + ms
        self.run()
        while True:
            due = [t.wake_at for t in self.tasks if t.wake_at is not None and t.wake_at <= end]
            if not due:
                break
            self.elapsed = max(self.elapsed, min(due))
            for task in self.tasks:
                if task.wake_at is not None and task.wake_at <= self.elapsed:
                    task.ready = True
            self.run()
        self.elapsed = end

    def complete(self, coroutine, within=600000):
        """Run the coroutine to its end, letting time pass; -> what it returns."""
        task = self.spawn(coroutine)
        self.run()
        end = self.elapsed + within
        while not task.done and self.elapsed < end:
            due = [t.wake_at for t in self.tasks if t.wake_at is not None]
            assert due, "it waits for what will never come"
            self.advance(max(0, min(due) - self.elapsed))
        return task.value()
