# Run on a board by `batcher deploy`: what it is, and which of our files it has.
# `verify` (set before) reads every file; otherwise the record of the last deploy is believed.
import os
import sys
from binascii import hexlify
from hashlib import sha256


def look(path, read):
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        return
    for entry in entries:
        name = path + "/" + entry[0]
        if entry[1] & 0x4000:
            if entry[0] != "readings":
                look(name, read)
        else:
            print("file", name, entry[3], digest(name) if read else "-")


def digest(name):
    total = sha256()
    with open(name, "rb") as f:
        while True:
            n = f.readinto(buffer)
            if not n:
                return hexlify(total.digest()).decode()[:16]
            total.update(view[:n])


buffer = bytearray(1024)
view = memoryview(buffer)
print("version", ".".join([str(x) for x in sys.implementation.version[:3]]))
print("mpy", getattr(sys.implementation, "_mpy", 0))
print("platform", sys.platform)
print("machine", getattr(sys.implementation, "_machine", "?"))
print("running", int("batcher.main" in sys.modules))
try:
    from batcher_frozen import HASH

    print("frozen", HASH)
except ImportError:
    pass
stat = os.statvfs("/")
print("flash", stat[1] or stat[0], stat[3], stat[2])
try:
    with open("/batcher/deployed") as f:
        for line in f:
            print("record", line, end="")
except OSError:
    pass
try:
    with open("/main.py") as f:
        print("launcher", int("batcher deploy" in f.readline()))
    print("file", "/main.py", os.stat("/main.py")[6], digest("/main.py"))
except OSError:
    pass
look("/batcher", verify)  # noqa: F821
look("/batcher.new", True)
