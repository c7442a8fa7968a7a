"""A small encoder for transport tests: JSON of a list, `step` bytes a piece at most."""

import json


class PlainJson:
    content_type = "application/json"

    def __init__(self, step=512):
        self.step = step

    def begin(self, batch, ident):
        doc = {
            "device": ident.device,
            "boot": ident.boot,
            "series": ident.series,
            "first": ident.first,
            "items": batch,
        }
        self.body = json.dumps(doc).encode()
        self.at = 0

    def fill(self, buf):
        n = min(self.step, len(buf), len(self.body) - self.at)
        buf[:n] = self.body[self.at : self.at + n]
        self.at += n
        return n


class Source:
    """Stands in for the Batcher: it knows the number of the first item in flight."""

    name = "items"
    first = 0
