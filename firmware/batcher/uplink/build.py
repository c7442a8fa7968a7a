"""The transport and encoder that a configuration names: only these are imported."""


def build(up: dict, ident, batcher):
    """-> a transport: `send` is the batcher's handler. `up`: the "uplink" of the configuration."""
    from .enc_rows import RowsEncoder
    from .http import HttpUplink

    return HttpUplink(
        up["url"],
        RowsEncoder(),
        ident,
        source=batcher,
        token=up["token"],
        deadline_ms=up["deadline_ms"],
        piece=512,
    )
