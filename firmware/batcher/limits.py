"""A reading that leaves its bounds, or comes back, is sent at once.

Rules: a filter of the sampler that hands on every row; it decides on integers, in arrays made
once, and leaves nothing on the heap. A missing value changes nothing.
"""

from array import array

from .schema import MISSING


class Limits:
    """bounds: field name -> [low, high] in the schema's integers, None for no bound.

    crossed(): called with each row that crosses one, before the row is handed on.
    """

    def __init__(self, schema, bounds: dict, crossed):
        self.schema = schema
        self._crossed = crossed
        self._bounds = array("i")  # index in the row, low, high, was it outside
        for i, field in enumerate(schema.fields, 1):
            if field.name in bounds:
                low, high = bounds[field.name]
                low = -0x7FFFFFFF if low is None else low
                high = 0x7FFFFFFF if high is None else high
                self._bounds.extend(array("i", (i, low, high, 0)))

    def feed(self, row):
        bounds = self._bounds
        i = 0
        while i < len(bounds):
            value = row[bounds[i]]
            if value != MISSING:
                outside = 0 if bounds[i + 1] <= value <= bounds[i + 2] else 1
                if outside != bounds[i + 3]:
                    bounds[i + 3] = outside
                    self._crossed()
            i += 4
        return row
