"""JSON (RFC 8259) for the collector: records as rows, and lists of any JSON-able items.

BLOCKS.md shows both documents. Rows hold integers as they are stored (the fields' scales
stand before them), null for missing, and the time in microseconds: the last three digits
are those of the sequence number, so that no two readings have the same.
"""

from json import dumps

from ..port import const
from ..timebase import boot
from .emit import emit
from .program import Plan, RowEncoder

_VALUE = const(1)
_STEP = const(3)
_END = const(4)
_TEXT = const(5)
_IF_SET = const(6)
_STRIP = const(7)
_MOST = const(8192)  # bytes of an item in one program, whose offsets have 16 bits


class JsonEncoder(RowEncoder):
    """application/json. A list goes out item by item: the largest must fit in the heap, no more.

    For lists `ident` also has `series` and `first`, the number of the first item.
    """

    content_type = "application/json"

    def __init__(self, clock=boot):
        super().__init__(emit, clock)

    def begin(self, batch, ident):
        if not isinstance(batch, list):
            super().begin(batch, ident)
            return
        self._batch = batch
        self._item = 0
        self._more = 0
        self._part = 4
        text = '{"device":%s,"boot":%s,"series":%s,"first":%d,"items":['
        names = (dumps(ident.device), dumps(ident.boot), dumps(ident.series), ident.first)
        self._rest = (text % names).encode()

    def _next_text(self):
        items = self._batch
        text = self._rest
        if not text:
            i = self._item
            self._item = i + 1
            text = "]}"
            if i < len(items):
                text = ("," if i else "") + dumps(items[i])
            elif i > len(items):
                self._part = 0
                return 0
            text = text.encode()
        self._plan = plan = Plan(b",[,")
        plan.do(_TEXT, text[:_MOST])
        plan.do(_END)
        self._rest = text[_MOST:]
        self._state[2] = 0
        return 1

    def plan(self, schema, known):
        plan = Plan(b",[,")
        plan.do(
            _TEXT, '{"device":%s,"boot":%s,"blocks":[' % (dumps(self._device), dumps(self._boot))
        )
        over = plan.do(_IF_SET, "", 1)  # it is set
        plan.head = plan.do(_TEXT, ",")
        plan.land(over)
        plan.do(_TEXT, '{"series":%s,"first":' % dumps(schema.name))
        plan.put(_STRIP, 22, 14)
        fields = dumps([[f.name, f.unit, f.scale] for f in schema.fields])
        unit = "unix_us" if known else "boot_us"
        plan.do(_TEXT, ',"fields":%s,"t":"%s","rows":[' % (fields, unit))
        plan.do(_END)
        plan.first = plan.put(_STEP, 1, 1 + 17 * known)
        over = plan.do(_IF_SET, "", 1)
        plan.row = plan.put(_STEP, 0, 2 + 17 * known)
        plan.land(over)
        if not known:
            plan.put(_STRIP, 2, 16)
        for i in range(len(schema.fields)):
            plan.put(_VALUE, 0, 0 if known and i == 0 else 1, i + 1, 128)
        plan.do(_END, "]")
        plan.tail = plan.do(_TEXT, "]}")
        plan.do(_END)
        plan.closing = plan.do(_TEXT, "]}")
        plan.do(_END)
        return plan
