"""`batcher deploy` against the emulated board: a small firmware, and every way to fail."""

import pytest

from batcher_tools import artifacts
from batcher_tools import deploy as deploying
from batcher_tools.board import FLAG, Survey, leave, maintain, survey
from batcher_tools.cli import app, load
from batcher_tools.deploy import board_for, deploy, undeploy
from batcher_tools.device import Device, DeviceError

pytestmark = pytest.mark.pico

MAIN = """
def main():
    from batcher import part
    from boards import pico_w

    print("v1", part.X, pico_w.NAME)
"""


@pytest.fixture
def firmware(tmp_path, monkeypatch):
    """A firmware of four files, in the places where a deploy looks for one."""
    package = tmp_path / "firmware" / "batcher"
    package.mkdir(parents=True)
    boards = tmp_path / "boards"
    boards.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("X = 7\n")
    (package / "stale.py").write_text("pass\n")
    (tmp_path / "firmware" / "main.py").write_text(MAIN)
    (boards / "__init__.py").write_text("")
    (boards / "pico_w.py").write_text('NAME = "pico_w"\n')
    monkeypatch.setattr(artifacts, "FIRMWARE", tmp_path / "firmware")
    monkeypatch.setattr(artifacts, "BOARDS", boards)
    monkeypatch.setattr(deploying, "BOARDS", boards)
    return tmp_path / "firmware"


def put(pico, **options):
    with Device(pico.url) as device:
        return deploy(device, **options)


def read(pico, path):
    return pico.run(f"print(open({path!r}).read())")


def test_deploy_starts_it_and_again_copies_what_changed_only(paced, firmware):
    first = put(paced)
    assert first.copied == first.files == 8
    paced.wait_for("v1 7 pico_w")
    again = put(paced)
    assert (again.copied, again.removed) == (0, 0)

    (firmware / "main.py").write_text(MAIN.replace("v1", "v2"))
    (firmware / "batcher" / "stale.py").unlink()
    with Device(paced.url) as device:
        device.run("with open('/batcher/config.json', 'w') as f: f.write('{}')")
    told = []
    third = put(paced, tell=told.append)
    assert (third.copied, third.removed) == (2, 1)  # main, and the record
    # The switch says each file as the board comes to it: only silence ends it, not its length.
    assert [text for text in told if text.startswith("switching /")] == [
        "switching /batcher/main.mpy",
        "switching /batcher/deployed",
        "switching /batcher/stale.mpy",
    ]
    paced.wait_for("v2 7 pico_w")
    listing = paced.run("import os; print(sorted(os.listdir('/')), sorted(os.listdir('/batcher')))")
    assert "stale" not in listing and "config.json" in listing and "batcher.new" not in listing

    with Device(paced.url) as device:
        undeploy(device)
    assert paced.run("import os; print(os.listdir('/'), os.listdir('/batcher'))") == (
        "['batcher'] ['config.json']\n"
    )


def test_a_file_that_was_changed_on_the_board_is_found_by_verify(paced, firmware):
    put(paced, source=True)
    paced.run("with open('/batcher/part.py', 'w') as f: f.write('X = 8\\n')")
    assert put(paced, source=True).copied == 0
    assert put(paced, source=True, verify=True).copied == 2
    assert read(paced, "/batcher/part.py") == "X = 7\n\n"


def test_a_cut_at_any_flash_operation_leaves_the_old_or_the_new_firmware(paced, firmware):
    put(paced)
    (firmware / "main.py").write_text(MAIN.replace("v1", "v2").replace("X", "Y"))
    (firmware / "batcher" / "part.py").write_text("Y = 9\n")
    with paced.fork() as counted:
        before = counted.info()["flash_operations"]
        put(counted)
        operations = counted.info()["flash_operations"] - before
    assert operations > 10
    seen = set()
    for cut in (1, operations // 3, operations - 4):
        with paced.fork() as pico:
            mark = pico.info()["printed"]
            pico.cut_power_after(cut, torn=cut % 2 == 1)
            try:
                put(pico)
            except DeviceError:
                pass
            pico.reset("power")
            pico.wait_for("v1 7 pico_w", "v2 9 pico_w", "maintenance", since=mark)
            with Device(pico.url) as device:
                mark = pico.info()["printed"]
                leave(device)
            text = pico.wait_for("v1 7 pico_w", "v2 9 pico_w", since=mark)
            assert "Traceback" not in text
            seen.add("v2" in text)
            mark = pico.info()["printed"]
            put(pico)  # a failed one can be repeated
            pico.wait_for("v2 9 pico_w", since=mark)
    assert seen == {True, False}


def test_after_an_interrupted_switch_every_byte_is_looked_at(paced, firmware):
    put(paced)
    paced.wait_for("v1 7 pico_w")
    with Device(paced.url) as device:
        device.run(
            "import os\n"
            "with open('/batcher/my notes.py', 'w') as f: f.write('mine')\n"
            "n = os.stat('/batcher/part.mpy')[6]\n"
            "with open('/batcher/part.mpy', 'wb') as f: f.write(bytes(n))\n"  # as long, another
            "os.mkdir('/batcher.new')\n"
            "with open('/batcher.new/READY', 'w') as f: f.write('move /batcher/part.mpy\\n')\n"
        )
    mark = paced.info()["printed"]
    put(paced)
    paced.wait_for("v1 7 pico_w", since=mark)
    assert "mine" in read(paced, "/batcher/my notes.py")
    assert put(paced).copied == 0


def test_the_transfer_goes_on_where_it_was_cut(paced, firmware):
    for name, size in (("first", 4000), ("second", 8000)):
        (firmware / "batcher" / f"{name}.py").write_text("X = '%s'\n" % ("x" * size))
    with Device(paced.url) as device:

        def unplug(done, total):
            if done > 6000:
                device.transport.serial.close()

        with pytest.raises(DeviceError):
            deploy(device, source=True, progress=unplug)
    paced.reset()
    report = put(paced, source=True)
    assert 8000 < report.copied_bytes < 11000
    paced.wait_for("v1 7 pico_w")


def test_maintenance_holds_the_watchdog_back(paced, firmware):
    (firmware / "main.py").write_text(
        "def main():\n"
        "    import machine, time\n"
        "    dog = machine.WDT(timeout=8000)\n"
        "    print('started')\n"
        "    while True:\n"
        "        dog.feed()\n"
        "        time.sleep_ms(100)\n"
    )
    put(paced)
    paced.wait_for("started")
    with Device(paced.url) as device:
        assert maintain(device, survey(device))
        paced.speed(None)
        device.run("import time; time.sleep(20)", timeout=60)  # past any watchdog
        paced.speed(1)
        assert FLAG in survey(device).files
        mark = paced.info()["printed"]
        leave(device)
    paced.wait_for("started", since=mark)


def test_an_own_main_py_is_kept(paced, firmware):
    paced.run("with open('/main.py', 'w') as f: f.write('print(\"mine\")')")
    put(paced)
    assert "mine" in read(paced, "/main.old.py")
    paced.run("with open('/main.py', 'w') as f: f.write('print(\"a second one\")')")
    put(paced)
    assert "mine" in read(paced, "/main.old.py")
    assert "a second one" in read(paced, "/main.old_.py")
    with Device(paced.url) as device:
        undeploy(device)
    assert "mine" in read(paced, "/main.py")


def test_not_enough_flash_is_said_before_anything_is_copied(paced, firmware):
    paced.run(
        "f = open('/big', 'wb')\nfor i in range(195): f.write(bytes(4096))\nf.close()", timeout=120
    )
    (firmware / "batcher" / "big.py").write_text("X = '%s'\n" % ("x" * 60000))
    with pytest.raises(DeviceError, match="not enough flash: .* KB are free"):
        put(paced, source=True)
    assert "batcher" not in paced.run("import os; print(os.listdir('/'))")


def test_too_old_a_micropython(paced, firmware, monkeypatch):
    import batcher_tools.board as boards

    monkeypatch.setattr(boards, "OLDEST", (9, 0, 0))
    with pytest.raises(DeviceError, match="MicroPython 1.* is too old: 9.0.0 or later"):
        put(paced)


def test_an_unknown_board_is_asked_for():
    assert Survey().files == {}
    with pytest.raises(DeviceError, match="say --board with one of"):
        board_for("Toaster with XYZ")


def test_no_device_and_no_micropython_are_one_line_each(monkeypatch):
    import socket
    import threading

    from typer.testing import CliRunner

    import batcher_tools.device as devices

    monkeypatch.setattr(devices, "candidates", list)
    monkeypatch.delenv("BATCHER_DEVICE", raising=False)
    load()
    result = CliRunner().invoke(app, ["deploy"])
    assert "no board found" in str(result.exception)
    with pytest.raises(DeviceError, match="does not exist"), Device("/dev/nothing"):
        pass
    listener = socket.create_server(("127.0.0.1", 0))  # takes everything, says nothing
    threading.Thread(target=listener.accept, daemon=True).start()
    url = f"socket://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(DeviceError, match="does not answer as MicroPython"), Device(url):
        pass
