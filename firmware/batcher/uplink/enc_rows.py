"""JSON rows for the collector by few lines of code: where memory is short and batches small.

The document is that of enc_json, with times in milliseconds. Each row makes a little garbage;
enc_json makes none, and takes several times the memory for its program.
"""

from array import array
from json import dumps

from ..schema import MAX_FIELDS, MISSING


class RowsEncoder:
    """`begin(batch, ident)`, then `fill(buf)` -> bytes of the next piece, 0 at the end.

    A buffer of 512 bytes is enough for rows of up to 32 fields.
    """

    content_type = "application/json"

    def __init__(self):
        self._row = array("i", bytes(4 * (MAX_FIELDS + 2)))
        self._batch = None
        self._text = b""
        self._at = 0

    def begin(self, batch, ident) -> None:
        batch.rewind()
        self._batch = batch
        self._first = True  # no block yet
        boot = ident.boot if batch.boot is None else batch.boot.hex()
        self._put('{"device":%s,"boot":%s,"blocks":[' % (dumps(ident.device), dumps(boot)))

    def _put(self, text):
        self._text = text.encode()
        self._at = 0

    def fill(self, buf) -> int:
        n = 0
        while n < len(buf):
            left = len(self._text) - self._at
            if left == 0:
                if self._batch is None:
                    return n
                self._step()
                continue
            k = min(left, len(buf) - n)
            buf[n : n + k] = self._text[self._at : self._at + k]
            self._at += k
            n += k
        return n

    def _step(self):
        """The next piece of text: a row, the head of a block, or the end."""
        batch = self._batch
        row = self._row
        if not self._first and batch.next_row(row):
            base = row[0] - self._ticks0
            if base < -0x20000000:  # ticks have wrapped within the block
                base += 0x40000000
            values = [
                "null" if row[i] == MISSING else str(row[i])
                for i in range(1, len(batch.schema.fields) + 1)
            ]
            comma = "," if self._more else ""
            self._more = True
            self._put("%s[%d,%s]" % (comma, self._time0 + base, ",".join(values)))
            return
        if not batch.next_block():
            self._batch = None
            self._put("]}" if self._first else "]}]}")
            return
        head = "" if self._first else "]},"
        self._first = self._more = False
        self._time0 = batch.time
        self._ticks0 = self._time0 & 0x3FFFFFFF
        fields = [[f.name, f.unit, f.scale] for f in batch.schema.fields]
        self._put(
            '%s{"series":%s,"first":%d,"fields":%s,"t":"boot","rows":['
            % (head, dumps(batch.series), batch.first, dumps(fields))
        )
