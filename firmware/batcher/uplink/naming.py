"""What a batch is called on its way: (device, boot, series, first number, count).

The same items have the same name on every attempt, so the other side can tell a repeat.
"""

from binascii import hexlify


class Name:
    """Goes to encoders as their `ident`: device, boot, and for lists series and first.

    ident: Identity. source: what knows `name` and `first` of a list in flight (the Batcher);
    record batches know their own.
    """

    def __init__(self, ident, source=None):
        self.device = ident.device
        self.boot = self._boot = ident.boot
        self.source = source
        self.series = "items"
        self.first = 0

    def of(self, batch, skip=0):
        """Note what the batch is called; -> b"device/boot/series/first/count".

        skip: where a list is a part of the batch in flight, how many items are before it.
        """
        if isinstance(batch, list):
            source = self.source
            if source is None:
                raise ValueError("source: wanted the Batcher, to number the items of a list")
            self.series = source.name
            self.first = source.first + skip
            before = getattr(getattr(source, "store", None), "boot", None)
        else:
            batch.rewind()
            batch.next_block()
            self.series = batch.series
            self.first = batch.first
            before = batch.boot
        # What is from before the last start keeps its name.
        self.boot = self._boot if before is None else hexlify(before).decode()
        name = (self.device, self.boot, self.series, self.first, len(batch))
        return ("%s/%s/%s/%d/%d" % name).encode()


def first_of(batch, n):
    """-> the first n items of it."""
    if isinstance(batch, list):
        return batch[:n]
    batch.limit(n)
    return batch


def begin(encoder, batch, name, piece, count):
    """Begin to encode: -> (bytes now in the piece, bytes of the whole or -1, is that all).

    count: where the whole is more than a piece, find its length by a dry run.
    """
    encoder.begin(batch, name)
    n = encoder.fill(piece)
    if n <= len(piece) - 512:
        more = encoder.fill(piece[n:])  # a small batch is most often one piece
        n += more
        if not more:
            return n, n, True
    if not count:
        return n, -1, False
    length = more = n
    while more:
        more = encoder.fill(piece)
        length += more
    encoder.begin(batch, name)
    n = encoder.fill(piece)
    return n, length, n == length
