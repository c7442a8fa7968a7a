"""JSON (RFC 8259) for the collector: records as rows, and lists of any JSON-able items.

BLOCKS.md shows both documents. Rows hold integers as they are stored (the fields' scales
stand before them), null for missing, and the time in microseconds: the last three digits
are those of the sequence number, so that no two readings have the same.
"""

from json import dumps

from .emit import END, NEXT, NUMBER, SEP, STEP, STRIP
from .program import RowEncoder


class JsonEncoder(RowEncoder):
    """application/json. A list goes out item by item: the largest must fit in the heap, no more.

    For lists `ident` also has `series` and `first`, the number of the first item.
    """

    frame = b",[,"

    def begin(self, batch, ident):
        if isinstance(batch, list):
            self._part = 3
            self._state[0] = 0
            self._send(_items(batch, ident))
        else:
            super().begin(batch, ident)

    def plan(self, schema):
        series = self.add('{"series":%s,"first":' % dumps(schema.name))
        fields = dumps([[f.name, f.unit, f.scale] for f in schema.fields])
        unit = "unix_us" if self._known else "boot_us"
        fields = self.add(',"fields":%s,"t":"%s","rows":[' % (fields, unit))
        names = (dumps(self._device), dumps(self._boot))
        for text in ('{"device":%s,"boot":%s,"blocks":[' % names, "]},"):
            self.do(0, text)
            self.put(0, series)
            self.put(STRIP, (4, 14))
            self.put(END, fields)
        if self._known:
            self.put(STEP | SEP | NEXT, (0, 18))
        else:
            self.put(STEP | SEP | NEXT, (0, 2))
            self.put(STRIP, (2, 16))
        null = self.add(",null")[0]
        for _ in schema.fields:
            self.put(NUMBER | NEXT, (null, 1))
        self.do(END, "]")
        self.do(END, "]}]}")


def _items(items, ident):
    names = (dumps(ident.device), dumps(ident.boot), dumps(ident.series), ident.first)
    text = '{"device":%s,"boot":%s,"series":%s,"first":%d,"items":[' % names
    for item in items:
        yield (text + dumps(item)).encode()
        text = ","
    yield ("]}" if items else text + "]}").encode()
