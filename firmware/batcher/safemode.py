"""Does this start look like the last three that never delivered anything? Then do not repeat it.

Rules: a file holds how many starts came before the first delivery: one flash write a start, one
at the first delivery (the file goes), none after. Three such starts in a row, or a pin held at
power-up, and nothing is built but the LED (rest.py).
"""

LIMIT = 3
PATH = "starts"


def begin(held: bool = False, asleep: bool = False, path: str = PATH) -> "str | None":
    """Count this start, unless it is a wake. -> why it has to be a safe one, or None."""
    if held:
        return "the pin for it was held at power-up"
    count = 0
    why = None
    try:
        with open(path) as file:
            count = int(file.read(4))
    except (OSError, ValueError):
        pass  # what cannot be read counts as none
    if count >= LIMIT:
        why = "%d starts in a row ended before anything was delivered" % count
        count = -1
    elif asleep:
        return None
    try:
        with open(path, "w") as file:
            file.write(str(count + 1))
    except OSError:
        pass  # a full flash must not keep the firmware from starting
    return why
