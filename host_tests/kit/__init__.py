"""What the tests use: runs on MicroPython and on CPython."""
