"""Parts of the `batcher` command that need no board."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import threading

import pytest
import typer
from rich.console import Console

from batcher_tools import bench
from batcher_tools.board import ONBOARD, Survey
from batcher_tools.deploy import ours
from batcher_tools.device import DeviceError
from batcher_tools.frozen import command as frozen
from batcher_tools.frozen.image import ImageError, from_uf2, to_uf2
from batcher_tools.paths import program
from batcher_tools.pico import PicoError
from batcher_tools.pico import bench as board_bench
from batcher_tools.provision import complete, rules, validate
from batcher_tools.talk import table_of

CONFIG = {
    "board": "pico_w",
    "wifi": {"networks": [{"ssid": "barn", "password": "secret-key"}]},
    "uplink": {"url": "http://10.0.0.1:8080/v1/batches"},
    "sensors": [{"driver": "bme280"}],
}


def test_an_image_that_is_cut_short_or_out_of_order_is_refused():
    flash = bytes(range(256)) * 20
    image = to_uf2(flash)
    assert from_uf2(image) == flash
    for bad in (image[:-512], image[:-100], image[: 512 * 3], image + image[-512:]):
        with pytest.raises(ImageError):
            from_uf2(bad)
    odd = bytearray(image)
    odd[16] = 100  # bytes of the first block
    with pytest.raises(ImageError):
        from_uf2(bytes(odd))


def test_secrets_lie_over_the_settings_as_on_the_board():
    shown = {
        "wifi": {"networks": [{"ssid": "a"}, {"ssid": "b"}], "country": "DE"},
        "uplink": {"url": "http://x/y"},
    }
    secrets = {
        "wifi": {"networks": [{"password": "1"}, {"password": "2"}]},
        "uplink": {"token": "t"},
    }
    assert rules().over(shown, secrets) == {
        "wifi": {
            "networks": [{"ssid": "a", "password": "1"}, {"ssid": "b", "password": "2"}],
            "country": "DE",
        },
        "uplink": {"url": "http://x/y", "token": "t"},
    }
    assert rules().over({"wifi": None}, {"wifi": {"networks": []}}) == {"wifi": {"networks": []}}


def test_what_the_firmware_would_refuse_is_told_before_it_is_written():
    validate(CONFIG)
    validate(CONFIG | {"uplink": {"url": "mqtts://x", "ca_file": "only-on-the-board.pem"}})
    for change, words in (
        ({"uplink": {"url": "192.168.1.5:8080"}}, 'uplink.url: found "192.168.1.5:8080"'),
        ({"uplink": {"url": "ftp://x/y"}}, "uplink.url"),
        ({"uplink": {"url": "http://x:99999/y"}}, 'uplink.url: found "http://x:99999/y", wanted'),
        ({"uplink": {"url": "https://x/y"}}, "uplink.ca_file: found nothing, wanted the CA"),
        ({"uplink": {"url": "mqtt://x/y"}}, 'uplink.url: found "mqtt://x/y", wanted'),
        ({"uplink": {"url": 5}}, "uplink.url: found 5"),
        ({"uplink": "http://x/y"}, "uplink: found"),
        ({"wifi": "home"}, "wifi: found"),
        ({"wifi": {"networks": [{}]}}, "wifi.networks[0].ssid"),
    ):
        with pytest.raises(DeviceError) as caught:
            validate(CONFIG | change)
        assert words in str(caught.value), caught.value
        assert "secret-key" not in str(caught.value)


def test_only_what_is_missing_is_asked_for():
    asked = []

    def ask(text, hidden, kept):
        asked.append((text, hidden))
        return kept or ""

    assert complete(json.loads(json.dumps(CONFIG)), "", ask) == CONFIG and not asked
    told = complete({"board": "mine"}, "", ask)
    assert told["board"] == "mine" and [hidden for _, hidden in asked] == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("deploy foo://x", "foo://x: invalid URL"),
        ("monitor foo://x", "foo://x: invalid URL"),
        ("logs foo://x", "wanted a port such as /dev/ttyACM0, COM3 or socket://host:port"),
        ("romfs --out .", "file '.' is a directory"),
        (
            "romfs --core --out /dev/null/x",
            "batcher: /dev/null/x: cannot be written: /dev/null is no",
        ),
        ("bench zzz", "no benchmark has 'zzz' in its name"),
        ("bench --pico zzz", "no benchmark has 'zzz' in its name"),
        ("collect --certfile nope --db x.db", "'nope' does not exist"),
        ("collect --certfile /etc/hosts --db x.db", "collect: /etc/hosts: no certificate"),
        ("collect --keyfile /dev/null --db x.db", "--keyfile goes with --certfile"),
        ("deploy socket://127.0.0.1:9 --board zz", "no board 'zz': one of"),
        ("collect --port 0 --db no/x.db", "collect: no/x.db: unable to open database file"),
        ("collect --port 0 --db x.db --mqtt mqtt://h:99999", "collect: --mqtt: h: Port out of"),
        ("collect --port 0 --db x.db --mqtt http://h", "collect: --mqtt: wanted mqtt://host"),
        ("collect --host 192.0.2.1 --db x.db", "collect: 192.0.2.1:8080: Cannot assign"),
        ("provision --board toaster --file x", "no board 'toaster': one of"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(arguments, words, tmp_path):
    run = subprocess.run(
        [program("batcher"), *arguments.split()],
        cwd=tmp_path,
        env=dict(os.environ, COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = run.stdout + run.stderr
    assert run.returncode in (1, 2) and words in said, said
    assert "Traceback" not in said


def test_an_image_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(frozen, "freeze", lambda image: b"made")
    (tmp_path / "in.uf2").write_bytes(b"")
    app = typer.Typer()
    frozen.register(app)
    out = str(tmp_path / "in.uf2" / "out.uf2")
    with pytest.raises(SystemExit, match="out.uf2: cannot be written: .* is no folder"):
        app([str(tmp_path / "in.uf2"), "--out", out], standalone_mode=False)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (PicoError("the board did not print ('END',) in 1 s:\nlog"), "the board did not print"),
        (PicoError("Traceback (most recent call last):\n  x\nValueError: no"), "ValueError: no"),
        (TimeoutError("timed out"), "timed out"),
        (TimeoutError(), "TimeoutError"),
        (RuntimeError("on the emulated board:\nTraceback\nOSError: 5"), "OSError: 5"),
    ],
)
def test_an_emulated_board_that_fails_is_one_line(fault, said, monkeypatch):
    def fail(*_):
        raise fault

    monkeypatch.setattr(board_bench, "run_all", fail)
    app = typer.Typer()
    bench.register(app)
    with pytest.raises(SystemExit) as ended:
        app(["--pico"], standalone_mode=False)
    text = str(ended.value)
    assert text.startswith(f"bench: {said}") and "\n" not in text


def test_a_port_that_is_in_use_is_one_line_and_no_database(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = subprocess.run(
            [program("batcher"), "collect", "--db", "x.db", "--port", str(port)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith(f"collect: 127.0.0.1:{port}: Address already in use")
    assert run.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def watched(command, printed, words, **env):
    """`batcher logs` or `monitor` of a board that prints this again and again, interrupted once
    it has shown all the words -> (exit code, output, errors)."""
    with socket.create_server(("127.0.0.1", 0)) as board:

        def serve():
            with contextlib.suppress(OSError), board.accept()[0] as peer:
                peer.settimeout(0.1)
                while True:  # opening a port drops what has come by then
                    peer.sendall(printed.encode())
                    with contextlib.suppress(TimeoutError):
                        if not peer.recv(99):  # the command has gone
                            return

        threading.Thread(target=serve, daemon=True).start()
        url = f"socket://127.0.0.1:{board.getsockname()[1]}"
        with subprocess.Popen(
            [program("batcher"), command, url],
            env=dict(os.environ, COLUMNS="200", **env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            late = threading.Timer(60, process.kill)
            late.start()
            said = b""
            for line in process.stdout:
                said += line
                if all(word in said for word in words):
                    process.send_signal(signal.SIGINT)
                    break
            rest, errors = process.communicate()
            late.cancel()
    return process.returncode, said + rest, errors


@pytest.mark.parametrize("command", ["logs", "monitor"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_cannot_show_ends_nothing(command, encoding):
    printed = '21 °C, 30 µs, Привет\n{"heap": 7}\nafter\n'
    words = (b"??????", b"after")
    code, said, errors = watched(command, printed, words, PYTHONIOENCODING=encoding)
    assert code == 0 and not errors, (said, errors)


def test_what_a_board_reports_is_no_markup():
    console = Console(file=io.StringIO(), width=80)
    console.print(table_of({"error": "[/b] at [0]", "heap": 7}, {}))
    assert "[/b] at [0]" in console.file.getvalue()


def test_a_deploy_takes_away_only_what_a_deploy_put_there():
    seen = Survey(record={"/batcher/part.mpy": "x"})
    assert ours("/batcher/part.mpy", seen)
    assert not ours("/batcher/mydriver.py", seen)
    assert ours("/batcher/part.py", Survey())  # nobody knows: it was cut off
    assert not ours("/batcher/config.json", Survey()) and not ours("/other.py", Survey())


def test_the_switch_on_the_board_knows_names_with_blanks(tmp_path):
    text = (ONBOARD / "launcher.py").read_text().partition("# start\n")[0]
    text = text.replace('"/batcher', f'"{tmp_path}/batcher')
    new = tmp_path / "batcher.new" / "batcher"
    new.mkdir(parents=True)
    (tmp_path / "batcher").mkdir()
    notes = tmp_path / "batcher" / "my notes.py"
    notes.write_text("")
    ready = tmp_path / "batcher.new" / "READY"
    (tmp_path / "batcher.new" / f"{tmp_path}/x").parent.mkdir(parents=True, exist_ok=True)
    ready.write_text(f"remove {notes}\n")
    space: dict = {}
    exec(text, space)
    space["os"].ilistdir = lambda path: (_ for _ in ()).throw(OSError(2))
    try:
        space["switch"]()
    finally:
        del space["os"].ilistdir
    assert not notes.exists() and not ready.exists()
