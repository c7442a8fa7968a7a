"""The names that tests use of the firmware: where it is joined for a test, they stay."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def of_tests() -> set[str]:
    """-> every identifier of the portable tests and of the kit that is not private."""
    paths = [*(TESTS / "portable").rglob("*.py"), *(TESTS / "kit").rglob("*.py")]
    return set(re.findall(r"\b[A-Za-z]\w*", "\n".join(path.read_text() for path in paths)))
