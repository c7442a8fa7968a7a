"""The names of the firmware that somebody else may know: on a board they stay as they are.

Documented ones: every identifier in code of a page, of a type stub, and of the files that stay
outside the package. Names of Python's and MicroPython's libraries: an attribute of ours that is
called like one of theirs cannot be told from it.
"""

import array
import asyncio
import binascii
import builtins
import collections
import gc
import hashlib
import io
import json
import os
import random
import re
import select
import socket
import ssl
import struct
import sys
import time
from functools import cache

from ..paths import BOARDS, FIRMWARE, ROOT

_WORD = re.compile(r"[A-Za-z_]\w*")
_PASSED = re.compile(r"(\w+) ?=(?!=)")
_CODE = re.compile(r"```python.*?```|`[^`\n]+`", re.DOTALL)
_PLACES = (
    builtins, array, asyncio, binascii, collections, gc, hashlib, io, json, os, random, select,
    socket, ssl, ssl.SSLContext, struct, sys, time, array.array, asyncio.Event, asyncio.Lock,
    asyncio.Queue,
    asyncio.StreamReader, asyncio.StreamWriter, asyncio.Task, bytearray, bytes, collections.deque,
    dict, float, int, io.BytesIO, io.FileIO, list, memoryview, set, socket.socket, str, tuple,
    Exception, OSError, StopIteration, type(_WORD), type(lambda: 0), type(hashlib.sha256()),
)  # fmt: skip
# What MicroPython has and CPython has not.
_BOARD = """
ADC AP_IF Counter I2C IN IRQ_FALLING IRQ_RISING OUT PIN_RESET PULL_DOWN PULL_UP PWM Pin RTC SPI
STA_IF SoftI2C StateMachine Timer UART WDT WLAN Wakeup active adc arg atten authmode background
bssid callback channel cindex config connect const convert_temp country datetime deepsleep deinit
digest disable_irq disconnect enable_irq feed freq hexdigest high hostname humidity id ifconfig init
ioctl ipconfig irq isconnected key lightsleep low mem_alloc mem_free memory mktime mode native off
on peek pm ptr16 ptr32 ptr8 pull push put read_temp read_u16 read_uv readblocks readfrom
readfrom_into readfrom_mem readfrom_mem_into remove reset reset_cause rssi rx scan scl sda security
select sleep_ms sleep_us ssid start status stop sync temperature threshold ticks_add ticks_diff
ticks_ms ticks_us time_ns timeout timeout_ms tx uint unique_id value viper width writeblocks writeto
writeto_mem writevto
"""


@cache
def known() -> frozenset[str]:
    """-> all of them."""
    found = set(_BOARD.split())
    for place in _PLACES:
        found.update(dir(place))
    for text in _texts():
        found.update(_WORD.findall(text))
    # Private names are nobody's: CPython's are not MicroPython's, a page has them in passing.
    return frozenset(name for name in found if not name.startswith("_") or name.endswith("__"))


@cache
def keywords() -> frozenset[str]:
    """-> those by which arguments are passed: `name=value` in a page, all in a stub."""
    found = set()
    for text in _texts():
        found.update(_PASSED.findall(text))
    for path in (ROOT / "tools/stubs").rglob("*.pyi"):
        found.update(_WORD.findall(path.read_text()))
    return frozenset(found)


@cache
def _texts() -> tuple[str, ...]:
    # Code of pages, and the files beside the package.
    pages = [ROOT / "README.md", *FIRMWARE.rglob("*.md"), BOARDS / "README.md"]
    found = [code for page in pages for code in _CODE.findall(page.read_text())]
    beside = [FIRMWARE / "main.py", FIRMWARE / "lab.py", *BOARDS.glob("*.py")]
    stubs = (ROOT / "tools/stubs").rglob("*.pyi")
    return (*found, *(path.read_text() for path in [*stubs, *beside]))
