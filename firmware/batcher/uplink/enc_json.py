"""JSON (RFC 8259) for the collector: lists of any JSON-able items, and records as rows.

BLOCKS.md shows both documents. Rows hold integers as they are stored (the fields' scales
stand before them), null for missing, and the time in microseconds: the last three digits
are those of the sequence number, so that no two readings have the same.
"""

from json import dumps

from . import emit
from .encoder import Plan, RecordEncoder


class JsonEncoder(RecordEncoder):
    """application/json. A list goes out item by item: the largest must fit in the heap, no more.

    For lists `ident` also has `series` and `first`, the number of the first item.
    """

    content_type = "application/json"
    closing = b"]}"

    def begin(self, batch, ident) -> None:
        self._items = None
        if not isinstance(batch, list):
            super().begin(batch, ident)
            return
        text = '{"device":%s,"boot":%s,"series":%s,"first":%d,"items":['
        names = (dumps(ident.device), dumps(ident.boot), dumps(ident.series), ident.first)
        self._items = batch
        self._batch = batch
        self._item = 0
        self._text = (text % names).encode()
        self._at = 0
        self._part = 1

    def _after_text(self):
        items = self._items
        if items is None or self._batch is None:
            super()._after_text()
            return
        self._at = 0
        i = self._item
        if i == len(items):
            self._batch = None
            self._text = self.closing
            return
        self._item = i + 1
        self._text = (("," if i else "") + dumps(items[i])).encode()

    def opening(self, device, boot):
        return ('{"device":%s,"boot":%s,"blocks":[' % (dumps(device), dumps(boot))).encode()

    def plan(self, schema, device, boot, known):
        plan = Plan()
        p = plan.program
        fields = dumps([[f.name, f.unit, f.scale] for f in schema.fields])
        p.do(emit.ONCE, 44, emit.E_BATCH_FLAG)
        p.text('{"series":%s,"first":' % dumps(schema.name))
        p.do(emit.DIGITS, emit.SEQ_AT, emit.SEQ_DIGITS)
        p.text(',"fields":%s,"t":"%s","rows":[' % (fields, "unix_us" if known else "boot_us"))
        p.do(emit.END)
        plan.row = p.here()
        p.do(emit.STEP)
        p.do(emit.ONCE, 44, emit.E_BLOCK_FLAG)
        p.do(emit.TIME_US, 91)
        for i in range(len(schema.fields)):
            p.do(emit.VALUE, i + 1, 44)
        p.do(emit.END, 93)
        plan.tail = p.here()
        p.text("]}")
        p.do(emit.END)
        return plan
