"""`batcher provision` around a board that only notes what is done to it."""

import json

import pytest
from typer.testing import CliRunner

from batcher_tools import cli, provision
from batcher_tools.board import Survey
from batcher_tools.device import DeviceError

GOOD = {
    "board": "pico_w",
    "wifi": {"networks": [{"ssid": "barn", "password": "secret-key"}]},
    "uplink": {"url": "http://10.0.0.1:8080/v1/batches", "token": "t0ken"},
    "sensors": [{"driver": "bme280"}],
}


@pytest.fixture
def board(monkeypatch):
    """-> what happened, in order. `settings` are on it, `broken` is a step that fails."""

    class Board(list):
        transport = True
        settings = GOOD
        broken = ""
        stopped = False  # by Ctrl-C at that step
        seen = Survey(running=True, launcher=True, machine="Raspberry Pi Pico W with RP2040")

        def __enter__(self):
            self.append("open")
            return self

        def __exit__(self, *_):
            pass

    made = Board()

    def step(name, result=None):
        def act(device, *more, **_):
            made.append(name)
            if made.stopped and name == made.broken:
                raise KeyboardInterrupt
            if name == made.broken:
                raise DeviceError(f"{name} failed")
            device.transport = None if name == "restart" else True
            if name == "write":
                made.settings = more[0]
            return result

        monkeypatch.setattr(provision, name, act)

    for name in ("restart", "reopen", "maintain", "write", "check", "leave"):
        step(name)
    step("survey", made.seen)
    monkeypatch.setattr(provision, "Device", lambda name: made)
    monkeypatch.setattr(provision, "read_json", lambda _, path: made.on_it(path))
    made.on_it = lambda path: json.loads(json.dumps(made.settings if "config" in path else {}))
    return made


def run(*words, answers=""):
    if not cli.app.registered_commands:
        cli.load()
    return CliRunner().invoke(cli.app, ["provision", "port", *map(str, words)], input=answers)


def settings(tmp_path, config):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(config))
    return path


def fails(words, result):
    assert isinstance(result.exception, DeviceError), (result.exception, result.output)
    said = str(result.exception)
    assert words in said and "\n" not in said, said
    return said


def test_a_file_that_cannot_be_read_leaves_the_board_alone(board, tmp_path):
    fails("nosuch.json", run("--file", tmp_path / "nosuch.json"))
    fails("wanted an object", run("--file", settings(tmp_path, [])))
    assert board == []


def test_settings_that_are_refused_leave_the_firmware_running(board, tmp_path):
    refused = run("--file", settings(tmp_path, {**GOOD, "sensors": []}))
    assert "maintenance" not in fails("sensors: found a list of 0", refused)
    assert board == ["open", "survey", "restart"]


def test_a_question_that_nobody_answers_leaves_the_firmware_running(board, tmp_path):
    file = settings(tmp_path, {key: GOOD[key] for key in ("wifi", "board")})
    fails("nothing was written", run("--file", file))
    assert board == ["open", "survey", "restart"]


def test_what_fails_after_maintenance_says_how_the_board_is_started(board, tmp_path):
    file = settings(tmp_path, GOOD)
    stays = "failed; the board stays in maintenance: `batcher resume` starts it"
    for board.broken in ("maintain", "write", "check"):
        fails(f"{board.broken} {stays}", run("--file", file))
    board.seen.launcher = False  # nothing of ours would start
    assert "maintenance" not in fails("check failed", run("--file", file))
    board.broken = ""
    del board[:]
    assert run("--file", file).exit_code == 0
    assert board == ["open", "survey", "restart", "reopen", "maintain", "write", "check", "leave"]


def test_enter_keeps_and_an_answer_corrects_what_is_on_the_board(board):
    result = run(answers="\nnew-key\nhttp://10.0.0.2/v1\n\n")
    assert result.exit_code == 0, result.exception
    assert board.settings["wifi"] == {"networks": [{"ssid": "barn", "password": "new-key"}]}
    assert board.settings["uplink"] == {"url": "http://10.0.0.2/v1", "token": "t0ken"}
    assert "t0ken" not in result.output and "secret-key" not in result.output


def test_another_network_does_not_get_the_password_of_the_first(board):
    assert run(answers="house\n\n").exit_code == 0
    assert board.settings["wifi"] == {"networks": [{"ssid": "house"}]}


def test_without_answers_what_is_complete_is_kept(board):
    assert run().exit_code == 0 and board.settings == GOOD
    board.settings = {key: GOOD[key] for key in ("board", "wifi", "sensors")}
    fails("no answer to 'URL of the collector or broker': nothing was written", run())


def test_a_secret_is_kept_without_being_shown(monkeypatch):
    asked = []
    monkeypatch.setattr(provision.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(provision.typer, "prompt", lambda text, **_: asked.append(text) or "")
    assert provision.ask("its token", True, "t0ken") == "t0ken"
    assert provision.ask("Wi-Fi network", False, "barn") == "barn"
    assert provision.ask("its token", True, "") == ""
    assert asked == [
        "its token (Enter: keep)",
        "Wi-Fi network (Enter: barn)",
        "its token (Enter: none)",
    ]


def test_what_only_the_firmware_knows_is_refused_before_anything_is_written(board, tmp_path):
    sensors = [
        {"driver": "bme820"},
        {"driver": "bme280", "bus": "i2c7"},
        {"driver": "sht4x", "name": "one"},
        {"driver": "sht3x", "name": "one"},
        {"driver": "pulse", "counter": 23},
    ]
    bad = {**GOOD, "sensors": sensors, "duty": {}, "spool": {}}
    said = fails("sensors[0]: no driver 'bme820'", run("--file", settings(tmp_path, bad)))
    for words in (
        "; sensors[1]: no bus 'i2c7'; there are: i2c0",
        "; sensors[3].name: found 'one', wanted another",
        "; sensors[4]: GPIO 23: it powers the Wi-Fi chip",
        "; duty: found it beside a spool",
    ):
        assert words in said, said
    assert "write" not in board and "maintain" not in board


def test_a_board_file_that_only_the_board_has(board, tmp_path):
    file = settings(tmp_path, {**GOOD, "board": "mine"})
    fails("board: found 'mine', wanted the name of a file", run("--file", file))
    board.seen.files["/batcher/boards/mine.py"] = [1, "-"]
    assert run("--file", file).exit_code == 0
    file = settings(
        tmp_path, {**GOOD, "board": "mine", "sensors": [{"driver": "bme280", "bus": 5}]}
    )
    fails("sensors[0]: no bus 5", run("--file", file))


@pytest.mark.parametrize("uplink", [5, None, [], "http://x/y", {"url": 5}, {"url": None}])
def test_an_uplink_of_a_wrong_form_is_one_line(uplink, board, tmp_path):
    said = fails("", run("--file", settings(tmp_path, {**GOOD, "uplink": uplink})))
    assert "uplink" in said or "URL" in said, said
    board.settings = {**GOOD, "uplink": uplink}
    fails("", run())


@pytest.mark.parametrize("wifi", [5, [], "barn", {"networks": 5}, {"networks": [5]}, {}])
def test_a_wifi_of_a_wrong_form_is_one_line(wifi, board, tmp_path):
    fails("wifi", run("--file", settings(tmp_path, {**GOOD, "wifi": wifi})))


def test_ctrl_c_and_settings_on_the_board_that_cannot_be_read(board, tmp_path):
    board.broken, board.stopped = "write", True
    stays = "stopped; the board stays in maintenance"
    fails(stays, run("--file", settings(tmp_path, GOOD)))
    del board[:]
    board.on_it = lambda path: json.loads("{")
    assert run().exit_code == 1
    assert board == ["open", "survey", "restart"]
