"""A stuck bus is freed by `Board.free_bus`, which is loaded for that and unloaded again."""

import sys

from .board import Board, load


def free(hardware, bus) -> int:
    """-> pulses. Raises OSError where the line stays down."""
    board = Board(load(hardware.board), hardware.wifi)
    board._buses = hardware.buses
    try:
        return board.free_bus(bus)
    finally:
        package = sys.modules["batcher"].__dict__
        for name in ("board", "freebus"):
            sys.modules.pop("batcher." + name, None)
            package.pop(name, None)
        sys.modules.pop(hardware.board, None)
