"""What a batch is called on its way: (device, boot, series, first number, count).

The same items have the same name on every attempt, so the other side can tell a repeat.
"""


class Name:
    """Goes to encoders as their `ident`: device, boot, and for lists series and first.

    ident: Identity. source: what knows `name` and `first` of a list in flight (the Batcher);
    record batches know their own.
    """

    def __init__(self, ident, source=None):
        self.device = ident.device
        self.boot = ident.boot
        self.source = source
        self.series = "items"
        self.first = 0

    def of(self, batch):
        """Note what the batch is called; -> b"device/boot/series/first/count"."""
        boot = self.boot
        if isinstance(batch, list):
            source = self.source
            if source is None:
                raise ValueError("source: wanted the Batcher, to number the items of a list")
            self.series = source.name
            self.first = source.first
        else:
            batch.rewind()
            batch.next(None)
            self.series = batch.series
            self.first = batch.first
            if batch.boot is not None:  # readings from before the last start keep its name
                boot = batch.boot if isinstance(batch.boot, str) else batch.boot.hex()
        name = (self.device, boot, self.series, self.first, len(batch))
        return ("%s/%s/%s/%d/%d" % name).encode()
