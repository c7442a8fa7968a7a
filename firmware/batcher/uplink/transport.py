"""What transports share: what a batch is called, how it is cut, the one buffer it leaves by.

Rules: the buffer is [ head | piece ] and made once. A head is written so that it ends where the
piece begins; both leave in one write. A batch has the name (device, boot, series, first number,
count): the same items have the same one on every attempt, so the other side can tell a repeat.
"""

from ..errors import whole
from .wire import Wire


class Transport(Wire):
    """Goes to encoders as their `ident`: device, boot, and for lists series and first.

    ident: Identity. source: what knows `name` and `first` of a list in flight (the Batcher);
    record batches know their own. room: bytes of the buffer for a head.
    """

    most = 0  # items the other side takes at once, learnt from failures; 0: not known

    def __init__(self, encoder, ident, source, resolver, room, piece, deadline_ms, wait_ms):
        self.encoder = encoder
        self.source = source
        self.resolver = resolver
        self._ident = ident
        self.device = ident.device
        self._start = room
        self.buffer = out = bytearray(room + whole("piece", piece, 512, 65535) + 2)
        self.view = memoryview(out)
        self._piece = self.view[room:-2]
        self._out = out
        self.deadline_ms = deadline_ms
        self.wait_ms = wait_ms

    def name(self, part, sent=0):
        """Note what it is called; -> b"device/boot/series/first/count".

        sent: where a list is a part of the batch in flight, how many items are before it.
        """
        if isinstance(part, list):
            source = self.source
            if source is None:
                raise ValueError("source: wanted the Batcher, to number the items of a list")
            self.series = source.name
            self.first = source.first + sent
            boot = getattr(getattr(source, "store", None), "boot", None)
        else:
            part.rewind()
            part.next_block()
            self.series = part.series
            self.first = part.first
            boot = part.boot
        # What is from before the last start keeps its name.
        self.boot = boot = boot.hex() if boot else self._ident.boot
        name = (self.device, boot, self.series, self.first, len(part))
        return ("%s/%s/%s/%d/%d" % name).encode()

    def carve(self, batch, sent, left, n):
        """-> of the `left` items behind the first `sent` at most n; of records whole blocks.

        A block that is longer than n is cut where `most` says that it must be.
        """
        if 0 < self.most < n:
            n = self.most
        if isinstance(batch, list):
            return batch if n >= len(batch) else batch[sent : sent + n]
        batch.skip = sent
        batch.limit(left)
        if n < left:
            k = 0
            while batch.next_block() and (k == 0 or k + batch.count <= n):
                k += batch.count
            batch.limit(n if self.most and k > n else k)
        return batch

    def encode_first(self, part, count):
        """Begin to encode -> (bytes now in the piece, bytes of the whole or -1).

        count: where the whole is more than a piece, find its length by a dry run.
        """
        encoder = self.encoder
        fill = encoder.fill
        piece = self._piece
        encoder.begin(part, self)
        n = more = fill(piece)
        if n <= len(piece) - 512:
            more = fill(piece[n:])  # a small batch is most often one piece
            n += more
        length = n
        if more:
            if not count:
                return n, -1
            while more:
                more = fill(piece)
                length += more
            now = getattr(encoder, "now", 0)
            encoder.begin(part, self)
            encoder.now = now  # the same bytes, though time goes by
            n = fill(piece)
        return n, length

    def head(self, at, head):
        """Put it before the buffer's `at`; -> where it begins."""
        end = at
        at -= len(head)
        if at < 0:
            raise ValueError("the name of the batch, or its topic, is too long")
        self._out[at:end] = head
        return at
