"""The command `batcher` as a person runs it: its exit codes, its one line of what went wrong."""

import contextlib
import json
import os
import pty
import re
import select
import socket
import subprocess
import threading
import time
import tty

import pytest
import serial

from batcher_tools.collect.server import CollectorThread
from batcher_tools.device import Device
from batcher_tools.paths import program
from batcher_tools.pico.installed import JOINED, installed
from batcher_tools.provision import read_json

from .conftest import start


def batcher(*words, timeout=60, **env):
    command = [program("batcher"), *map(str, words)]
    env = {**os.environ, "COLUMNS": "200", **env}
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=env)


def fails(said, run, code=1):
    """One line on stderr that says it, and the exit code."""
    assert run.returncode == code, run.stdout + run.stderr
    assert re.search(said, run.stderr) and run.stderr.count("\n") == 1, run.stderr


@pytest.mark.parametrize("command", ["deploy", "undeploy", "logs", "monitor", "repl", "provision"])
def test_a_port_that_is_not_there(command):
    said = "^batcher: /dev/nothing does not exist: `batcher devices` lists"
    fails(said, batcher(command, "/dev/nothing"))


@pytest.mark.parametrize("command", ["deploy", "logs"])
def test_a_port_that_is_in_use(command):
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    with serial.Serial(name, exclusive=True):  # what another program holds
        fails(f"^batcher: {name} is in use: close the other program", batcher(command, name))
    os.close(ours)
    os.close(theirs)


def test_a_board_without_micropython():
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes everything, says nothing
        threading.Thread(target=listener.accept, daemon=True).start()
        url = f"socket://127.0.0.1:{listener.getsockname()[1]}"
        fails("does not answer as MicroPython does: .*needs MicroPython", batcher("deploy", url))


def test_what_is_typed_wrong_has_another_exit_code():
    run = batcher("deploy", "--bord", "pico_w")
    assert run.returncode == 2 and "--board" in run.stderr + run.stdout


def test_help_names_every_command():
    said = batcher("--help").stdout
    for command in ("devices", "deploy", "undeploy", "provision", "monitor", "repl", "logs",
                    "resume", "bench", "collect", "demo"):  # fmt: skip
        assert re.search(rf"\b{command}\b", said), command


def test_the_shell_completes_commands_and_options():
    complete = {"_BATCHER_COMPLETE": "complete_bash", "_TYPER_COMPLETE_ARGS": "batcher de"}
    said = batcher(COMP_WORDS="batcher de", COMP_CWORD="1", **complete)
    assert set(said.stdout.split()) == {"demo", "deploy", "devices"}, said
    said = batcher(COMP_WORDS="batcher deploy --so", COMP_CWORD="2", **complete)
    assert said.stdout.split() == ["--source"], said


# On the emulated board.


@pytest.fixture(scope="module")
def first_deployed(tmp_path_factory):
    """The firmware is on it; it starts, finds no configuration, and is at its REPL."""
    image = installed(tmp_path_factory.mktemp("deployed") / "fs", {})
    with start(filesystem=image) as pico:
        pico.wait_for("config: ", timeout=120)
        yield pico


@pytest.fixture
def deployed(first_deployed):
    with first_deployed.fork() as pico:
        yield pico


@contextlib.contextmanager
def serial_port(pico):
    """The board as a serial port of this machine: mpremote's REPL takes no socket://."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    ended = threading.Event()

    def pump():
        while not ended.is_set():  # a board that resets leaves the bus, and comes back
            with socket.create_connection(("127.0.0.1", pico.port)) as board:
                while not ended.is_set():
                    ready = select.select([ours, board], [], [], 0.1)[0]
                    if ours in ready:
                        board.sendall(os.read(ours, 4096))
                    if board in ready:
                        data = board.recv(4096)
                        if not data:
                            break
                        os.write(ours, data)

    thread = threading.Thread(target=pump)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        ended.set()
        thread.join(10)
        os.close(ours)
        os.close(theirs)


def converse(command, *steps, timeout=60):
    """Run it at a terminal; each step is (what to wait for, what to type) -> all it said."""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(command[0], command)
    tty.setraw(terminal)
    said = b""
    asked = 0
    deadline = time.monotonic() + timeout
    try:
        for wanted, typed in steps:
            while not re.search(wanted, said[asked:].decode(errors="replace")):
                assert time.monotonic() < deadline, said.decode(errors="replace")
                if select.select([terminal], [], [], 0.2)[0]:
                    try:
                        said += os.read(terminal, 4096)
                    except OSError:
                        raise AssertionError(said.decode(errors="replace"))
            asked = len(said)
            os.write(terminal, typed.encode())
        while time.monotonic() < deadline:
            try:
                said += os.read(terminal, 4096)
            except OSError:  # it has ended
                break
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    return said.decode(errors="replace"), os.waitstatus_to_exitcode(status)


@pytest.mark.pico
def test_repl_is_in_maintenance_and_starts_the_firmware_afterwards(deployed):
    mark = deployed.info()["printed"]
    with serial_port(deployed) as port:
        said, code = converse(
            [program("batcher"), "repl", port],
            ("Ctrl-] or", "\r"),
            (">>> ", "import os; print(6 * 7, os.listdir('/batcher'))\r"),
            (r"42 \[.*'maintenance'", "\x1d"),
        )
    assert code == 0, said
    deployed.wait_for("config: ", since=mark, timeout=60)  # it has started again


@pytest.mark.pico
def test_the_lab_on_a_board_with_the_sources_mounted(paced):
    with serial_port(paced) as port:
        said, code = converse(
            [program("batcher"), "repl", port, "--mount", "firmware"],
            (">>> ", "burst(40)\r"),
            ("delivered 40.*pending 0", "unplug()\r"),
            ("now burst", "burst(100)\r"),
            ("pending 100", "plug()\r"),
            ("delivered 140.*pending 0", "\x1d"),
            timeout=100,
        )
    assert code == 0, said


@pytest.mark.pico
def test_bench_on_a_board_that_has_the_firmware(deployed, tmp_path, monkeypatch):
    from batcher_tools.pico import bench

    monkeypatch.setattr(bench, "BUILD", tmp_path)
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    mark = deployed.info()["printed"]
    found = bench.run_all(["core"], deployed.url)
    assert found == json.loads((tmp_path / "bench-device.json").read_text())
    assert 3 < found["pico_raw_store_us"] < found["pico_add_us"] < 40
    deployed.wait_for("config: ", since=mark, timeout=60)


@pytest.mark.pico
def test_provision_says_which_step_failed_and_starts_the_firmware_when_none_did(online, tmp_path):
    settings = tmp_path / "settings.json"

    def provision(port, token="t0ken", host="10.0.0.1", sensors=("bme280",)):
        url = f"http://{host}:{port}/v1/batches"
        given = {"wifi": JOINED, "uplink": {"url": url, "token": token}}
        given["sensors"] = [{"driver": name} for name in sensors]
        given["board"] = "esp32"  # what the command says goes before it
        settings.write_text(json.dumps(given))
        run = batcher("provision", online.url, "--board", "pico_w", "--file", settings, timeout=180)
        assert token not in run.stdout + run.stderr
        return run

    with CollectorThread(tmp_path / "db", token="t0ken") as collector:
        fails("sensors: found a list of 0, wanted", provision(collector.port, sensors=()))
        wrong = provision(collector.port, "wr0ng")
        fails(r"the uplink refuses: is the token right.*answer 401", wrong)
        assert "wifi: ok" in wrong.stdout and "connect: ok" in wrong.stdout
        nobody = provision(9)
        fails("nothing answers at the uplink's address and port", nobody)
        unknown = provision(collector.port, host="nobody.invalid")
        fails("the uplink's name is not found", unknown)
        right = provision(collector.port)
        assert right.returncode == 0, right.stderr
        assert "answer: ok" in right.stdout and "its firmware starts" in right.stdout
        with Device(online.url) as device:
            assert read_json(device, "/batcher/config.json")["board"] == "pico_w"
