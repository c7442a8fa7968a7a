"""The script that tries a Wi-Fi on a board, run here with a radio that is only pretended."""

import sys
from types import SimpleNamespace

import pytest

from batcher_tools.board import ONBOARD

TOLD = {"host": "127.0.0.1", "port": 9, "path": "/", "token": None, "scheme": "mqtt"}


class Radio:
    """Joined at first; `right` is the password that joins again, `stuck` never leaves."""

    def __init__(self, right, stuck=False):
        self.right = right
        self.stuck = stuck
        self.joined = True
        self.left = 0

    def active(self, _):
        pass

    def isconnected(self):
        if self.left:
            self.left -= 1
            self.joined = self.left > 0 or self.stuck
        return self.joined

    def disconnect(self):
        self.left = 4  # a radio takes its time

    def connect(self, ssid, password):
        self.joined = password == self.right

    def status(self):
        return -3

    def ifconfig(self):
        return ("10.0.0.2",)


@pytest.fixture
def tried(monkeypatch, capsys):
    def run(radio, networks=(("barn", "typed"),)):
        network = SimpleNamespace(STA_IF=0, WLAN=lambda _: radio)
        monkeypatch.setitem(sys.modules, "network", network)
        monkeypatch.setattr("time.sleep_ms", lambda _: None, raising=False)
        code = (ONBOARD / "check.py").read_text()
        exec(compile(code, "check.py", "exec"), {**TOLD, "networks": list(networks)})
        return capsys.readouterr().out.splitlines()

    return run


def test_a_wifi_is_tried_even_where_the_board_is_joined_to_one(tried):
    assert tried(Radio("typed"))[0] == "ok wifi 10.0.0.2"
    assert tried(Radio("another")) == ["failed wifi status -3"]


def test_a_radio_that_does_not_leave_proves_nothing(tried):
    assert tried(Radio("typed", stuck=True)) == ["failed wifi still joined to an earlier network"]


def test_without_a_wifi_to_try_a_link_is_left_as_it_is(tried):
    radio = Radio("typed")
    tried(radio, ())
    assert radio.joined and not radio.left
