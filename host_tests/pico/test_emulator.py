"""What the tests on the emulated board stand on: the board itself, and what is around it."""

import socket
import threading
import time

import pytest

from batcher_tools.pico import Pico, PicoError

pytestmark = pytest.mark.pico


def test_it_runs_the_real_image(board):
    assert "rp2" in board.run("import sys; print(sys.platform, sys.version)")


def test_an_error_on_the_board_reaches_the_test(board):
    with pytest.raises(PicoError, match="ZeroDivisionError"):
        board.run("1 // 0")


def test_a_fork_has_the_state_and_shares_nothing(board):
    board.run("x = 1")
    with board.fork() as other:
        other.run("x = 2\nwith open('/f', 'w') as f: f.write('2')")
        assert other.run("print(x, open('/f').read())") == "2 2\n"
    assert board.run("import os; print(x, os.listdir('/'))") == "1 []\n"


def test_costs_repeat_to_the_cycle(board):
    code = "import time\nt = time.ticks_us()\nfor i in range(2000): pass\n"
    code += "print(time.ticks_diff(time.ticks_us(), t))"
    with board.fork() as other:
        assert abs(int(board.run(code)) - int(other.run(code))) <= 20


def test_an_idle_second_takes_a_second_only_at_speed_one(board):
    started = time.monotonic()
    board.run("import time; time.sleep(5)")
    assert time.monotonic() - started < 3
    board.speed(1)
    started = time.monotonic()
    board.run("time.sleep(1)")
    assert time.monotonic() - started > 0.9


def test_i2c_registers(board):
    board.chip("kit.chips:Registers(clock)", 0x20)
    assert board.run(
        "from machine import I2C, Pin\n"
        "i2c = I2C(0, sda=Pin(4), scl=Pin(5), freq=400_000)\n"
        "i2c.writeto_mem(0x20, 0x10, b'\\x55\\x66')\n"
        "print(list(i2c.readfrom_mem(0x20, 0x0F, 4)))\n"
        "try: i2c.readfrom(0x21, 1)\n"
        "except OSError as exc: print(exc.errno)\n"
        "print(list(i2c.readfrom_mem(0x20, 0x11, 1)))\n"
    ).split("\n")[:3] == ["[0, 85, 102, 0]", "5", "[102]"]
    assert board.chip_call("chip.regs[0x10]", 0x20) == 0x55


def test_an_emulated_chip_on_the_boards_own_bus(board):
    board.chip("kit.chips.bme280:BME280(clock)", 0x76)
    code = (
        "from machine import I2C, Pin\n"
        "i2c = I2C(0, sda=Pin(4), scl=Pin(5), freq=400_000)\n"
        "print(hex(i2c.readfrom_mem(0x76, 0xD0, 1)[0]))"
    )
    assert board.run(code) == "0x60\n"


def test_a_file_is_kept_over_a_reset_and_what_was_cut_is_not(board):
    board.run("with open('/kept', 'w') as f: f.write('k' * 5000)")
    board.cut_power_after(3, torn=True)
    with pytest.raises(PicoError):
        board.run("f = open('/lost', 'w')\nfor i in range(20): f.write('l' * 1000); f.flush()")
    assert board.info()["power_cuts"] == 1
    assert "5000" in board.run("import os; print(os.listdir('/'), os.stat('/kept')[6])")


def test_the_watchdog_bites(board):
    mark = board.info()["printed"]
    with pytest.raises(PicoError):
        board.run("import machine\nmachine.WDT(timeout=1000)\nimport time; time.sleep(5)")
    board.wait_for("MicroPython", since=mark)
    assert (
        board.run("import machine; print(machine.reset_cause() == machine.WDT_RESET)") == "True\n"
    )


class Answerer(threading.Thread):
    """A TCP server on loopback that answers each connection's first bytes with one line."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.recv(10)
            client.sendall(b"hello\n")
            client.close()

    def close(self):
        self.listener.close()


@pytest.fixture
def answerer():
    server = Answerer()
    yield server
    server.close()


ASK = """
import socket, time
def ask(host, port, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_INET, kind)
    s.settimeout(3)
    try:
        s.connect((host, port))
        s.send(b"?")
        print(s.recv(10))
    except OSError as exc:
        print(exc.errno)
    s.close()
"""


def test_the_network_ends_at_127_0_0_1(online, answerer):
    online.run(ASK)
    assert online.run(f"ask('10.0.0.1', {answerer.port})") == "b'hello\\n'\n"
    for target in ("1.1.1.1", "192.0.2.1", "10.0.0.77"):
        assert online.run(f"ask('{target}', {answerer.port})").strip().isdigit()
    online.run("ask('8.8.8.8', 53, socket.SOCK_DGRAM)")
    online.run("ask('10.0.0.1', 53, socket.SOCK_DGRAM)")
    network = online.network()
    assert network["reached"] == [f"tcp 127.0.0.1:{answerer.port}"]
    assert {f"tcp 1.1.1.1:{answerer.port}", "udp 8.8.8.8:53"} <= set(network["refused"])


def test_the_process_itself_cannot_leave_the_machine():
    code = (
        "import socket\n"
        "from batcher_tools.pico.network import stay_on_loopback\n"
        "stay_on_loopback()\n"
        "for kind, go in ((socket.SOCK_STREAM, 'connect'), (socket.SOCK_DGRAM, 'connect')):\n"
        "    try: getattr(socket.socket(socket.AF_INET, kind), go)(('192.0.2.1', 53))\n"
        "    except PermissionError: print('refused')\n"
        "try: socket.getaddrinfo('example.com', 80)\n"
        "except PermissionError: print('refused')\n"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.stdout == "refused\n" * 3, done.stderr


def test_link_refused_blackhole_down_and_up(online, answerer):
    online.run(ASK)
    online.link("refused")
    assert online.run(f"ask('10.0.0.1', {answerer.port})").strip().isdigit()
    online.link("blackhole")
    assert online.run(f"ask('10.0.0.1', {answerer.port})").strip() == "110"
    online.link("down")
    code = "for _ in range(40):\n if wlan.isconnected() == %s: break\n time.sleep_ms(50)\n"
    assert online.run(code % "False" + "print(wlan.isconnected())") == "False\n"
    online.link("up")
    online.run("wlan.connect('emulated', 'password')")
    assert online.run(code % "True" + "print(wlan.isconnected())") == "True\n"
    assert online.run(f"ask('10.0.0.1', {answerer.port})") == "b'hello\\n'\n"


def test_without_an_image_the_reason_says_how_to_get_one(monkeypatch, tmp_path):
    from batcher_tools.pico import NoImage, find_image

    monkeypatch.setenv("BATCHER_PICO_IMAGE", str(tmp_path / "none.uf2"))
    with pytest.raises(NoImage, match="BATCHER_PICO_IMAGE"):
        find_image()


def test_a_board_whose_process_dies_says_so():
    with pytest.raises(PicoError, match="process"), Pico(filesystem="/nonexistent", timeout=10):
        pass
