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
        self._bands = array("i")
        left = dict(bands)
        for field in schema.fields:
            band = left.pop(field.name, None)
            if band is None:
                band = 0
            elif type(band) is not int or band < 1:
                raise ValueError("dead band of %s: %r is not 1 or more" % (field.name, band))
            self._bands.append(band)
        for name in left:
            raise ValueError("%s has no field %r" % (schema.name, name))
        self._last = None
        self._silence = silence_ms

    def feed(self, row):
        last = self._last
        if last is None:
            last = self._last = self.schema.row()
            moved = True
        else:
            moved = ticks_diff(row[0], last[0]) >= self._silence
        bands = self._bands
        i = len(bands)
        while i and not moved:
            # MISSING is further than any band from all that can be measured.
            moved = bands[i - 1] and abs(row[i] - last[i]) >= bands[i - 1]
            i -= 1
        if not moved:
            return None
        i = len(bands)
        while i >= 0:
            last[i] = row[i]
            i -= 1
        return row


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
        self._steps = self._run(3 * len(schema.fields), window_ms)
        next(self._steps)

    def feed(self, row):
        return self._steps.send(row)

    def _run(self, n, window_ms):
        # A generator, so that its many values have a place: it is sent rows and yields summaries.
        sums = array("i", bytes(4 * n))  # of each field: how many, sum of v >> 12, of v & 4095
        out = self.schema.row()
        other = self.schema.row()
        summary = None
        row = yield
        while True:
            start = row[0]
            rows = 0
            while rows < _MOST and ticks_diff(row[0], start) < window_ms:
                rows += 1
                out[0] = row[0]
                for i in range(0, n, 3):
                    v = row[i // 3 + 1]
                    if v != MISSING:
                        if not sums[i] or v < out[i + 1]:
                            out[i + 1] = v
                        if not sums[i] or v > out[i + 3]:
                            out[i + 3] = v
                        sums[i] += 1
                        sums[i + 1] += v >> 12
                        sums[i + 2] += v & 4095
                row = yield summary
                summary = None
            for i in range(0, n, 3):
                count = sums[i]
                high = sums[i + 1]
                if count:
                    low = high % count * 4096 + sums[i + 2] + (count >> 1)
                    out[i + 2] = (high // count << 12) + low // count
                else:
                    out[i + 1] = out[i + 2] = out[i + 3] = MISSING
                sums[i] = sums[i + 1] = sums[i + 2] = 0
            out[-2] = rows
            summary = out
            out = other
            other = summary
