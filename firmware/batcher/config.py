"""The configuration: one JSON file, checked as a whole before anything is built from it.

Rules
- Every fault is told, each in one line: the key, what was found, what is wanted.
- A second file of the same shape (secrets.json) is laid over the first, so that the first can
  be shown to anybody. A secret's value, and the value of a key nobody knows, is never repeated.
- What comes out is complete: every key is there, with its default where the file was silent or
  said null. Drivers check their own options (batcher.sensors.check).

A line of RULES is "key form default ...", below and one further in than the object or the list
that it belongs to. The default is JSON without spaces, null for none, ! where the key must be
there. The forms:
  int low high     str shortest longest     secret (the same, never shown)     bool
  one choice ...   url example ...
  list least most  of what the one line below says, whose key is *
  object           of the lines below, or of anything where there are none; what no line names
                   goes into its "options", where it has them
"""

import json

from .rules import RULES

_ONE = "one of: "
_FORMS = {
    "int": (int, "a whole number from %s to %s"),
    "str": (str, "a string of %s to %s characters"),
    "secret": (str, "a string of %s to %s characters"),
    "bool": (bool, "true or false"),
    "one": (str, _ONE),
    "url": (str, _ONE),
    "list": (list, "a list of %s to %s"),
    "object": (dict, "an object"),
}


def load(faults: list, path: str, secrets: str) -> dict:
    """-> the checked configuration; nothing to build from where `faults` has got a line.

    The second file may be missing.
    """
    found = over(_read(path, faults, True), _read(secrets, faults, False))
    return found if faults else check(found, faults)


def fault(faults: list, where: str, found: str, wanted: str) -> None:
    """Add a line."""
    faults.append("%s: found %s, wanted %s" % (where, found, wanted))


def _read(path, faults, needed):
    try:
        with open(path, "rb") as file:
            try:
                return json.load(file)
            except ValueError as exc:
                at = file.tell()  # where MicroPython's parser gave up
                file.seek(0)
                line = getattr(exc, "lineno", 0) or file.read(max(0, at - 1)).count(b"\n") + 1
                fault(faults, path, "something else near line %d" % line, "JSON")
    except OSError:
        if needed:
            fault(faults, path, "no such file", "the configuration")
    return {}


def over(below, above):
    """-> `above` laid over `below`, objects and lists of one length key by key."""
    if type(below) is type(above):
        if isinstance(above, dict):
            for key in above:
                below[key] = over(below.get(key), above[key])
            return below
        if isinstance(above, list) and len(above) == len(below):
            return list(map(over, below, above))
    return above


def check(found, faults: list, rule: str = RULES, where: str = ""):
    """-> `found`, or its default, by the first line of `rule` and those below it.

    Each fault is added to `faults`.
    """
    line, _, below = rule.partition("\n ")
    below = below.replace("\n ", "\n")
    form, default, *more = line.split()[1:]
    if found is None and default != "!":
        found = json.loads(default)
        if found is None:
            return None
    kind, wanted = _FORMS[form]
    fits = type(found) is kind
    if wanted == _ONE:
        wanted += ", ".join(more)
        fits = fits and (_example(found) if form == "url" else found) in more
    elif more:
        wanted %= tuple(more)
        low, high = more
        fits = fits and int(low) <= (found if form == "int" else len(found)) <= int(high)
    if not fits:
        fault(faults, where or "config", _shown(found, form), wanted)
    elif form == "list":
        values: list = []
        for value in found:
            values.append(check(value, faults, below, "%s[%d]" % (where, len(values))))
        return values
    elif below:
        told: dict = {}
        where = where and where + "."
        for rule in below.replace("\n ", "\r").split("\n"):
            key = rule.split()[0]
            told[key] = check(found.get(key), faults, rule.replace("\r", "\n "), where + key)
        rest = told.get("options")
        for key in found:
            if key in told or key.startswith("_"):  # "_note": JSON has no comments
                continue
            if rest is None:
                fault(faults, where + key, "an unknown key", _ONE + ", ".join(sorted(told)))
            else:
                rest[key] = found[key]
        return told
    return found


def _example(url):
    """-> what a rule says of such a URL."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    name, _, port = host.partition(":")
    port = port or "0"
    for wrong in "@?# ":  # what a transport would take for a part of the name
        name = wrong not in host and name
    if not name or " " in path or not port.isdigit() or int(port) > 65535:
        return None
    if scheme[:1] == "m":
        return path == "" and scheme + "://host[:port]"
    return scheme + "://host[:port]/path"


def _shown(value, form):
    """-> `value` for a message: short, and not at all where it is, or may hold, a secret.

    What has an @ may be a URL with a password in it.
    """
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list of %d" % len(value)
    text = json.dumps(value)
    if form not in ("secret", "list", "object") and len(text) <= 42 and "@" not in text:
        return text
    if isinstance(value, str):
        return "a string of %d characters" % len(value)
    return "a truth value" if isinstance(value, bool) else "a number"
