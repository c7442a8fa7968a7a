# Run on a board by `batcher deploy`: takes the bytes of files from the REPL's own line.
import os
import select
import sys

import micropython

made = []


def folders(path):
    at = path.rfind("/")
    if at > 0 and path[:at] not in made:
        folders(path[:at])
        made.append(path[:at])
        try:
            os.mkdir(path[:at])
        except OSError:  # it is there
            pass


def receive(files):
    micropython.kbd_intr(-1)  # a byte of 3 is a byte, not Ctrl-C
    try:
        for path, size in files:
            folders(path)
            with open(path, "wb") as f:
                while size:
                    n = min(size, 240)
                    piece = view[:n]
                    if not poll.poll(5000):
                        raise OSError(110, "the computer stopped sending")
                    sys.stdin.buffer.readinto(piece)
                    f.write(piece)
                    size -= n
                    sys.stdout.write("+")
    finally:
        micropython.kbd_intr(3)


poll = select.poll()
poll.register(sys.stdin, select.POLLIN)
view = memoryview(bytearray(240))
