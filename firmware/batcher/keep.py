"""A store that keeps readings on flash, and the name of a boot: what a configuration asks for.

Rules: a boot is named by its count (24 bits, kept on flash) and 40 random bits, so that neither
an erased flash nor a poor random generator names two boots alike. A wake from deep sleep has
lost its RAM, its clock and its sequence numbers: it is a boot, with a name of its own.
"""

from .ack import Ack
from .flashblocks import FlashBlocks
from .port import urandom
from .segfiles import make_folders
from .spool import Spool
from .tiered import Tiered


def new_boot(folder: str) -> bytes:
    """Count this boot in the folder of the spool -> its name, 8 bytes: the count in the first
    3; all of it random where flash does not work."""
    try:
        make_folders(folder)
        counter = Ack(folder + "/boot")
        count = counter.number + 1
        counter.note(0, count)
        counter.close()
    except OSError:
        return urandom(8)
    return (count & 0xFFFFFF).to_bytes(3, "big") + urandom(5)


def keep(ram, told: dict) -> Tiered:
    """-> the store for overflow="spill": the RecordRing `ram`, with flash behind it.

    told: path (a folder of its own), quota (bytes), unsaved_ms (0: no bound). This boot's
    name is the store's `spool.boot`; whoever ends the power calls `spill_all()` before.
    """
    path = told["path"]
    spool = Spool(path, told["quota"], codec=FlashBlocks(ram), boot=new_boot(path))
    return Tiered(ram, spool, unsaved_ms=told["unsaved_ms"] or None)
