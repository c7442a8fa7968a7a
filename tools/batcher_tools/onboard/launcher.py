# Put here by `batcher deploy`. The firmware is in /batcher; this starts it.
#
# A deploy puts new files into /batcher.new and, when all have arrived, a list of what to do
# with them into /batcher.new/READY. Whoever finds READY carries it out: the deploy itself, or
# this file at the next start where the power went away. Each step can be done twice.
import os
import sys


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def move(source, target):
    """Rename over whatever is there; a source that has gone was moved before."""
    try:
        os.rename(source, target)
        return
    except OSError:
        if not exists(source):
            return
    at = target.find("/", 1)
    while at > 0:
        if not exists(target[:at]):
            os.mkdir(target[:at])
        at = target.find("/", at + 1)
    try:
        os.rename(source, target)
    except OSError:  # a file system that does not rename over a file
        os.remove(target)
        os.rename(source, target)


def remove(path):
    """A file, or a folder with all that is in it; nothing there is fine."""
    try:
        for entry in os.ilistdir(path):
            remove(path + "/" + entry[0])
        os.rmdir(path)
    except OSError:
        try:
            os.remove(path)
        except OSError:
            pass


def switch(tell=len):
    if not exists("/batcher.new/READY"):
        return
    with open("/batcher.new/READY") as f:
        for line in f:
            word, path = line.rstrip("\n").split(" ", 1)
            tell(path)
            if word == "remove":
                remove(path)
                try:  # an empty folder would hide one in the image
                    os.rmdir(path[: path.rfind("/")])
                except OSError:
                    pass
            else:
                move("/batcher.new" + path, path)
    os.remove("/batcher.new/READY")
    remove("/batcher.new")


# start
switch()
if exists("/batcher/maintenance"):
    print("batcher: maintenance, the firmware is not started (`batcher resume` starts it)")
else:
    os.chdir("/batcher")  # config.json and boards/ are there
    if exists("/batcher/main.mpy") or exists("/batcher/main.py"):  # else it is in the image
        sys.path.insert(0, "/")  # and the package; /batcher/batcher.mpy is another thing
    from batcher.main import main

    main()
