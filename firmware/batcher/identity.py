"""Who an item is, for ever: (device, boot, series, sequence number).

Two boards with a copied configuration differ by the chip's own number; an erased flash or
a second start differs by the boot nonce of 64 random bits; so the collector may drop what
it has seen under the same name, and nothing else.
"""

from .port import unique_id, urandom


class Identity:
    """`device`: str, the chip's number in hex if not given. `boot`: 16 hex digits.

    A wake from deep sleep is not a boot: hand in the `boot` that was kept.
    """

    def __init__(self, device: "str | None" = None, boot: "str | None" = None):
        if boot is not None and (len(boot) != 16 or boot.strip("0123456789abcdef")):
            raise ValueError("boot: wanted 16 hex digits, found %r" % boot)
        self.device = device or unique_id().hex()
        self.boot = boot or urandom(8).hex()
