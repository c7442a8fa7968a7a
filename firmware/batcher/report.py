"""`import batcher; batcher.status()` in the REPL: how is it, in lines for a person."""

from .station import Station


def status() -> "dict | None":
    """Print how the station is, and its last log lines. -> the same as a dict."""
    station = Station.current
    if station is None:
        print("no station runs in this interpreter: `import main; main.main()` starts it")
        return None
    found = station.status()
    for key in sorted(found):
        print("%-10s %s" % (key, found[key]))
    for line in station.log.lines():
        print("log       ", line)
    return found
