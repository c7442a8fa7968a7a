"""The configuration: one JSON file, checked as a whole before anything is built from it.

Rules
- Every fault is told, each in one line: the key, what was found, what is wanted.
- A second file of the same shape (secrets.json) is laid over the first, so that the first can
  be shown to anybody. A secret's value, and the value of a key nobody knows, is never repeated.
- What comes out is complete: every key is there, with its default where the file was silent.
  Drivers check their own options (batcher.sensors.check).

A rule is one of
  ("int", low, high, default)   ("str", longest, default)   ("secret", longest, default)
  ("one", choices, default)     ("bool", default)           ("url", schemes, default)
  {key: rule}                   an object; left out, it is made of its defaults
  ("maybe", {key: rule})        an object, or None where it is left out
  ("list", least, most, rule)   ("options", {key: rule})    an object that may hold more keys
  ("any", default)              left to somebody else
A default of REQUIRED means that the key must be there.
"""

import json

from .rules import REQUIRED, RULES

_SECRET = ("secret",)


class ConfigError(ValueError):
    """`faults`: a list of lines, each "key: found ..., wanted ..."."""

    def __init__(self, faults):
        super().__init__("\n".join(faults))
        self.faults = faults


def load(path: str = "config.json", secrets: str = "secrets.json", rules=RULES) -> dict:
    """-> the checked configuration. Raises ConfigError. The second file may be missing."""
    faults = []
    found = _read(path, faults, True)
    over = _read(secrets, faults, False)
    if faults:
        raise ConfigError(faults)
    if over is not None:
        _lay_over(found, over)
    return check(found, rules)


def check(found: dict, rules=RULES, more=None) -> dict:
    """-> `found` with its defaults; ConfigError with every fault.

    more: more(config, faults) looks at what concerns several keys, once the keys are right.
    """
    faults = []
    config = _object(found, rules, "", faults, False)
    if not faults and more is not None:
        more(config, faults)
    if faults:
        raise ConfigError(faults)
    return config


def _read(path, faults, needed):
    try:
        file = open(path)  # noqa: SIM115 - closed below
    except OSError:
        if needed:
            faults.append("%s: found no such file, wanted the configuration" % path)
        return None
    with file:
        try:
            found = json.load(file)
        except ValueError as exc:
            line = getattr(exc, "lineno", None) or _line(path, file.tell())
            faults.append("%s: found something else near line %d, wanted JSON" % (path, line))
            return None
    if not isinstance(found, dict):
        faults.append("%s: found %s, wanted an object" % (path, kind(found)))
        return None
    return found


def _line(path, at):
    """The number of the line that holds byte `at`: where MicroPython's parser gave up."""
    with open(path, "rb") as file:
        return file.read(max(0, at - 1)).count(b"\n") + 1


def _lay_over(below, above):
    """Put the values of `above` into `below`, objects and lists of objects key by key."""
    for key in above:
        old = below.get(key)
        new = above[key]
        if isinstance(old, dict) and isinstance(new, dict):
            _lay_over(old, new)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for i in range(len(new)):
                if isinstance(old[i], dict) and isinstance(new[i], dict):
                    _lay_over(old[i], new[i])
                else:
                    old[i] = new[i]
        else:
            below[key] = new


def kind(value) -> str:
    """-> what `value` is, without saying it."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "a truth value"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list of %d" % len(value)
    if isinstance(value, str):
        return "a string of %d characters" % len(value)
    return "a number"


def _shown(value, rule):
    """`value` for a message: short, and not at all where it is a secret."""
    if rule[0] in _SECRET or isinstance(value, (dict, list)):
        return kind(value)
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else kind(value)
    return {True: "true", False: "false", None: "null"}[value] if _constant(value) else repr(value)


def _constant(value):
    return value is None or value is True or value is False


def _object(found, rules, where, faults, open_ended):
    """Check each key of an object, and that no other is there."""
    if not isinstance(found, dict):
        faults.append("%s: found %s, wanted an object" % (where[:-1] or "config", kind(found)))
        return None
    config = {}
    for key in found:
        if key in rules:
            continue
        if open_ended:
            config[key] = found[key]
        elif not key.startswith("_"):  # "_note": JSON has no comments
            names = ", ".join(sorted(rules))
            faults.append("%s%s: found an unknown key, wanted one of: %s" % (where, key, names))
    for key in sorted(rules):
        config[key] = _value(found, key, rules[key], where + key, faults)
    return config


def _value(found, key, rule, where, faults):
    if isinstance(rule, dict):
        return _object(found.get(key, {}), rule, where + ".", faults, False)
    if rule[0] == "maybe":
        if found.get(key) is None:
            return None
        return _object(found[key], rule[1], where + ".", faults, False)
    if key not in found:
        default = rule[-1] if rule[0] != "list" else ([] if rule[1] == 0 else REQUIRED)
        if default is REQUIRED:
            faults.append("%s: found nothing, wanted %s" % (where, wanted(rule)))
        return default
    value = found[key]
    if rule[0] == "list":
        return _list(value, rule, where, faults)
    if not _fits(value, rule):
        faults.append("%s: found %s, wanted %s" % (where, _shown(value, rule), wanted(rule)))
    return value


def _list(value, rule, where, faults):
    if not isinstance(value, list) or not rule[1] <= len(value) <= rule[2]:
        faults.append("%s: found %s, wanted %s" % (where, kind(value), wanted(rule)))
        return []
    config = []
    for i in range(len(value)):
        place = "%s[%d]" % (where, i)
        inner = rule[3]
        if isinstance(inner, dict) or inner[0] == "options":
            open_ended = not isinstance(inner, dict)
            keys = inner[1] if open_ended else inner
            config.append(_object(value[i], keys, place + ".", faults, open_ended))
        else:
            config.append(_value({"": value[i]}, "", inner, place, faults))
    return config


def _fits(value, rule):
    form = rule[0]
    if value is None and rule[-1] is None:
        return True  # null says: as if it were not there
    if form == "any":
        return True
    if form == "int":
        return type(value) is int and rule[1] <= value <= rule[2]
    if form == "bool":
        return value is True or value is False
    if not isinstance(value, str):
        return False
    if form == "one":
        return value in rule[1]
    if form == "url":
        scheme, mark, rest = value.partition("://")
        return scheme in rule[1] and mark and rest[:1] not in ("", "/") and " " not in rest
    return 1 <= len(value) <= rule[1]


def wanted(rule) -> str:
    """-> a rule in words."""
    form = rule[0]
    if form == "int":
        return "a whole number from %d to %d" % (rule[1], rule[2])
    if form == "bool":
        return "true or false"
    if form == "one":
        return "one of: " + ", ".join(rule[1])
    if form == "url":
        return " or ".join(["%s://host/path" % scheme for scheme in rule[1]])
    if form == "list":
        return "a list of %d to %d" % (rule[1], rule[2])
    return "a string of 1 to %d characters" % rule[1]
