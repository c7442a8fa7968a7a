"""Sensor readings that are not lost: bounded memory in, batches out, forgotten when taken.

The names below are imported when they are first asked for: a firmware that needs only the
core pays for the core.
"""

_HOME = {
    "Batcher": "batcher",
    "Rejected": "errors",
    "RetryAfter": "errors",
    "Ring": "ring",
    "Identity": "identity",
    "Field": "schema",
    "Schema": "schema",
    "RecordRing": "records",
    "Spool": "spool",
}


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(name)
    home = "batcher." + _HOME[name]
    __import__(home)
    import sys

    found = getattr(sys.modules[home], name)
    globals()[name] = found
    return found
