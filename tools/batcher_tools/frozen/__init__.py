"""The firmware inside of a MicroPython image, where it runs from flash in place.

mpyfile reads what mpy-cross wrote, image knows the stock image's tables, tables writes ours behind
them, command is `batcher freeze`.
"""
