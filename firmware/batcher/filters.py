"""Between a driver and the batcher: report what changed only, or a summary of a time.

Rules: a filter's `feed(row)` returns the row to hand on, or None. It works on integers, in
arrays made once, and leaves nothing on the heap. `schema` is that of the rows it hands on.
"""

from array import array

from .port import const, ticks_diff
from .schema import MISSING, Schema

_MOST = const(2048)  # rows of a window, so that its sums stay within 30 bits


class DeadBand:
    """Hand on a row only where a field has moved by its band or more since the last one.

    bands: field name -> change in the schema's integers, at least 1; fields that are not named
    do not count. A value that goes missing, or comes back, is a change. silence_ms: hand one on
    anyway when the last is that old. Raises ValueError for a field that is not there.
    """

    def __init__(self, schema, bands: dict, silence_ms: int = 600000):
        self.schema = schema
        names = [field.name for field in schema.fields]
        for name in bands:
            if name not in names:
                raise ValueError("%s has no field %r" % (schema.name, name))
            if type(bands[name]) is not int or bands[name] < 1:
                raise ValueError("dead band of %s: %r is not 1 or more" % (name, bands[name]))
        self._bands = array("i", [bands.get(name, 0) for name in names])
        self._last = schema.row()
        self._silence = silence_ms
        self._empty = True

    def feed(self, row):
        if not self._empty and ticks_diff(row[0], self._last[0]) < self._silence:
            if not self._moved(row):
                return None
        self._empty = False
        i = 0
        while i < len(row):
            self._last[i] = row[i]
            i += 1
        return row

    def _moved(self, row):
        i = 0
        while i < len(self._bands):
            band = self._bands[i]
            i += 1
            before = self._last[i]
            value = row[i]
            if band and value != before:
                if value == MISSING or before == MISSING or abs(value - before) >= band:
                    return True
        return False


class Window:
    """The least, the mean and the greatest of each field, and how many readings, over a time.

    `Window(schema, 60000).schema` has NAME_min, NAME_mean and NAME_max for each field, and
    readings. A summary is handed on when the first reading after its window comes, stamped with
    the time of the last one in it. Missing values are left out. A window also ends at
    2,048 readings.
    """

    def __init__(self, schema, window_ms: int):
        if type(window_ms) is not int or window_ms < 1:
            raise ValueError("window_ms: %r is not 1 or more" % (window_ms,))
        fields = []
        for f in schema.fields:
            for kind in ("_min", "_mean", "_max"):
                fields.append((f.name + kind, f.unit, f.scale))
        fields.append(("readings", "count", 0))
        self.schema = Schema(schema.name, fields)
        self._window = window_ms
        self._out = self.schema.row()
        count = len(schema.fields)
        self._least = array("i", [0] * count)
        self._greatest = array("i", [0] * count)
        self._high = array("i", [0] * count)  # of the sums, in 4096
        self._low = array("i", [0] * count)
        self._counts = array("i", [0] * count)
        self._rows = 0
        self._start = 0  # ticks of the window's first reading
        self._end = 0  # ticks of its last one so far

    def feed(self, row):
        done = self._rows == _MOST or (
            self._rows and ticks_diff(row[0], self._start) >= self._window
        )
        if done:
            self._close()
        if not self._rows:
            self._start = row[0]
        self._end = row[0]
        self._take(row)
        return self._out if done else None

    def _take(self, row):
        self._rows += 1
        counts = self._counts
        i = 0
        while i < len(counts):
            v = row[i + 1]
            if v != MISSING:
                if not counts[i] or v < self._least[i]:
                    self._least[i] = v
                if not counts[i] or v > self._greatest[i]:
                    self._greatest[i] = v
                counts[i] += 1
                self._high[i] += v >> 12
                self._low[i] += v & 4095
            i += 1

    def _close(self):
        """Put the summary into the row, and begin anew."""
        out = self._out
        i = 0
        while i < len(self._counts):
            n = self._counts[i]
            j = 3 * i + 1
            if n:
                out[j] = self._least[i]
                out[j + 1] = (self._high[i] // n << 12) + (
                    self._high[i] % n * 4096 + self._low[i] + (n >> 1)
                ) // n
                out[j + 2] = self._greatest[i]
            else:
                out[j] = out[j + 1] = out[j + 2] = MISSING
            self._counts[i] = self._high[i] = self._low[i] = 0
            i += 1
        out[-2] = self._rows
        out[0] = self._end
        self._rows = 0
