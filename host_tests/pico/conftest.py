"""Emulated boards for the tests: each test gets a fork of one that was brought up once.

What was brought up waits paced: it costs nothing, while a board whose sleeps pass at once takes
a core for itself.
"""

import pytest

from batcher_tools.pico import NoImage, Pico, find_image

JOIN = """
import network, time
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("emulated", "password")
for _ in range(400):
    if wlan.isconnected():
        break
    time.sleep_ms(50)
print(wlan.isconnected())
"""


def start(**options) -> Pico:
    """A board, or a skip that says how to get an image."""
    try:
        find_image()
    except NoImage as exc:
        pytest.skip(str(exc))
    return Pico(**options)


@pytest.fixture(scope="session")
def first_board():
    with start() as pico:
        yield pico


@pytest.fixture
def board(first_board):
    """A board at its REPL, nothing on it, sleeps pass at once."""
    with first_board.fork() as pico:
        pico.speed(None)
        yield pico


@pytest.fixture(scope="session")
def first_online():
    with start() as pico:
        assert pico.run(JOIN, timeout=120).strip() == "True"
        yield pico


@pytest.fixture
def online(first_online):
    """A board that has joined the Wi-Fi (half a minute once, then a fork each)."""
    with first_online.fork() as pico:
        yield pico


@pytest.fixture
def paced(board):
    """`board`, with sleeps that take their time: what talks to it may wait for it."""
    board.speed(1)
    return board


# What takes longest begins first, so that two at once (make test-pico) end together.
LONG = ("test_running", "test_demo", "test_duty")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items):
    """On one worker what shares a board that joined the Wi-Fi, a running station, or build/demo."""
    for item in items:
        shared = [name for name in ("online", "station", "joined") if name in item.fixturenames]
        if item.path.stem == "test_demo":
            shared.append("demo")
        for name in shared:
            item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: item.path.stem not in LONG)
