"""A Raspberry Pi Pico W that is not there: the real MicroPython image, its chips emulated.

`Pico` starts one (a process of its own) and talks to it; rp2040py executes the image's
instructions. Nothing here is imported by the firmware.
"""

from .client import Pico, PicoError
from .image import NoImage, find_image

__all__ = ["NoImage", "Pico", "PicoError", "find_image"]
