"""Sensor readings that are not lost: bounded memory in, batches out, forgotten when taken.

The names below are imported when they are first asked for: a firmware that needs only the
core pays for the core.
"""

import sys

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
    "status": "report",
    "Tiered": "tiered",
    "Items": "items",
    "FlashBlocks": "flashblocks",
}


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    # `from batcher import board` comes here too: MicroPython asks before it looks for the file.
    home = "batcher." + _HOME.get(name, name)
    __import__(home)
    found = sys.modules[home]
    if name in _HOME:
        found = getattr(found, name)
    globals()[name] = found
    return found


def unload(*names):
    """Forget modules of ours, or of boards: what nobody else holds of them is free memory again."""
    for name in names:
        if not name.startswith("boards"):
            name = "batcher." + name
        sys.modules.pop(name, None)
        parent, _, last = name.rpartition(".")
        if parent in sys.modules:
            sys.modules[parent].__dict__.pop(last, None)
