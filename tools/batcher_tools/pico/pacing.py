"""Emulated time against the wall clock.

A sleeping processor costs nothing to emulate, so emulated time would run away in every sleep
and a network timeout of the board would pass before a real server could answer. With a speed
of 1 an idle second takes a second; None lets sleeps pass at once. A busy board is slower
than the wall clock in any case, and never catches up.
"""

import asyncio
import time

QUANTUM_NS = 10_000_000


class Pacer:
    """Takes the place of the simulator's own loop."""

    def __init__(self, simulator) -> None:
        self.simulator = simulator
        self.speed: float | None = None
        self.stopping = False
        self.pausing = False
        self._alarm = simulator.clock.create_alarm(self._look)
        self._origin()
        simulator.execute = self.execute
        simulator.stop = self.stop
        simulator.rp2040.on_break = lambda code: self.stop()

    def _origin(self) -> None:
        self.wall = time.monotonic()
        self.nanos = self.simulator.clock.nanos

    def set_speed(self, speed: float | None) -> None:
        self.speed = speed
        self._origin()
        if speed:
            self._alarm.schedule(QUANTUM_NS)
        else:
            self._alarm.cancel()  # so that a free-running board repeats exactly

    def ahead(self) -> float:
        """Seconds that emulated time is ahead of the wall clock; negative: behind."""
        passed = (self.simulator.clock.nanos - self.nanos) / 1e9
        return passed / self.speed - (time.monotonic() - self.wall) if self.speed else 0.0

    def _look(self) -> None:
        if self.speed:
            if self.ahead() > 0:
                self.pausing = True
                self.simulator.stopped = True  # ends the batch of instructions, no more
            self._alarm.schedule(QUANTUM_NS)

    def stop(self) -> None:
        self.stopping = True
        self.simulator.stopped = True

    async def execute(self) -> None:
        simulator = self.simulator
        self.stopping = False
        self.set_speed(self.speed)
        while not self.stopping:
            simulator.stopped = self.pausing = False
            try:
                simulator._execute_batch()
            except Exception as exc:
                simulator.engine_room_error = exc
                simulator.stopped = True
                raise
            if self.pausing:
                await asyncio.sleep(max(0.0, self.ahead()))
            else:
                if self.ahead() < 0:
                    self._origin()
                await asyncio.sleep(0)
        simulator.stopped = True
