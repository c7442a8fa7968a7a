"""NOR flash in RAM, for littlefs: a block device that knows what flash can and cannot do.

Rules
- Erasing sets a block's bits; programming only clears bits, in whole pages that were erased.
  Anything else is a bug in whoever drives it: AssertionError.
- Every program and erase is counted, and shown to `watch(device, op, block, at, data)` before
  it is done, which may look at it, or end the device's power.
"""

PROGRAM = "program"
ERASE = "erase"


class Nor:
    """`blocks` of 4096 bytes, programmed in pages of 256, like a Pico's flash."""

    block = 4096
    page = 256

    def __init__(self, blocks: int, image: "bytearray | None" = None):
        self.image = image if image is not None else bytearray(b"\xff" * (blocks * self.block))
        self._view = memoryview(self.image)
        self.blocks = blocks
        self.programs = 0
        self.programmed = 0  # bytes
        self.erases = 0
        self.reads = 0
        self.read = 0  # bytes
        self.watch = None
        self.dead = False  # no power: every operation fails, and changes nothing
        self.error = 0  # errno that programs and erases answer, as worn flash does

    def readblocks(self, block, buf, offset=0):
        if self.dead:
            return -5
        at = block * self.block + offset
        self.reads += 1
        self.read += len(buf)
        buf[:] = self._view[at : at + len(buf)]
        return 0

    def writeblocks(self, block, buf, offset=0):
        if self.dead or self.error:
            return -(self.error or 5)
        at = block * self.block + offset
        n = len(buf)
        assert at % self.page == 0 and n % self.page == 0, "not whole pages: %d at %d" % (n, at)
        assert self._view[at : at + n] == _ERASED[:n], "page %d is not erased" % (at // self.page)
        if self.watch:
            self.watch(self, PROGRAM, block, at, buf)
            if self.dead:
                return -5
        self.programs += 1
        self.programmed += n
        self._view[at : at + n] = buf
        return 0

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return self.block
        if op == 6:
            if self.dead or self.error:
                return -(self.error or 5)
            at = arg * self.block
            if self.watch:
                self.watch(self, ERASE, arg, at, _ERASED)
                if self.dead:
                    return -5
            self.erases += 1
            self._view[at : at + self.block] = _ERASED
        return 0


_ERASED = b"\xff" * Nor.block

# The ways in which an operation can be cut.
WAYS = ("not done", "half done", "done", "garbage tail")


def cut(image, way: str, op: str, at: int, data, noise: bytes) -> None:
    """Do to `image` what is left of the operation when power goes: data at[at:], in that way.

    noise: random bytes, as many as a block has.
    """
    n = len(data)
    half = n // 2
    if way == "not done":
        return
    if way == "done":
        image[at : at + n] = data
        return
    image[at : at + half] = data[:half]
    if way == "garbage tail":
        image[at + half : at + n] = noise[half:n]
