"""The firmware in the image: `batcher freeze`, what it refuses, and a board that runs from it."""

import json

import pytest
from typer.testing import CliRunner

from batcher_tools.cli import app, load
from batcher_tools.collect.server import CollectorThread
from batcher_tools.compile import compile_text
from batcher_tools.deploy import deploy, undeploy
from batcher_tools.device import Device
from batcher_tools.frozen.command import freeze
from batcher_tools.frozen.image import BOARD, Image, ImageError, from_uf2, to_uf2
from batcher_tools.frozen.tables import add
from batcher_tools.mpyfile import read
from batcher_tools.pico import NoImage, Pico, find_image

from .test_deploy import MAIN, firmware  # noqa: F401
from .test_running import check, config, wait

pytestmark = pytest.mark.pico


@pytest.fixture(scope="session")
def stock():
    try:
        return find_image().read_bytes()
    except NoImage as exc:
        pytest.skip(str(exc))


@pytest.fixture
def frozen(stock, tmp_path):
    path = tmp_path / "image.uf2"
    path.write_bytes(freeze(stock))
    return path


def small(name, text):
    return compile_text(text, name, "armv6m", said=f"{name}.py")


def test_uf2_is_read_and_written_as_it_was(stock):
    assert to_uf2(from_uf2(stock)) == stock


def test_what_is_no_stock_image_is_refused_and_says_what_was_looked_for(stock, tmp_path):
    flash = from_uf2(stock)
    made = add(Image(flash), {"one.py": small("one", "X = 1\n")})
    for image, words in (
        (flash.replace(BOARD, BOARD[::-1]), "another board's"),
        (flash.replace(b"asyncio/__init__.py", b"asyncio/--init--.py"), "asyncio"),
        (bytes(len(flash)) + BOARD, "one first pool of names, found 0"),
        (made, None),
    ):
        if words is None:
            assert Image(image).files[-1] == b"one.py"  # it could take more, but not the same
            with pytest.raises(ImageError, match="one.py is in this image already"):
                add(Image(image), {"one.py": small("one", "X = 1\n")})
            continue
        with pytest.raises(ImageError, match=words):
            Image(image)
    with pytest.raises(ImageError, match="would reach the file system"):
        add(Image(flash), {"two.py": small("two", f"X = {'x' * 400_000!r}\n")})
    with pytest.raises(ValueError, match="version 6.3"):
        read(b"M\x05\x00\x1f")
    with pytest.raises(ImageError, match="wanted a file compiled as .*, found 'one'"):
        add(Image(flash), {"one.py": compile_text("X = 1\n", "one", "armv6m")})
    load()
    (tmp_path / "not.uf2").write_bytes(b"hello" * 200)
    for path in ("not.uf2", "missing.uf2"):
        run = CliRunner().invoke(app, ["freeze", str(tmp_path / path)])
        said = "".join(line.strip("│ ") for line in run.output.splitlines())  # a path may be cut
        assert run.exit_code == 2 and path in said, run.output


EVERYTHING = """
import sys
TEXT = "not a name, with spaces"
BYTES = b"\\x00\\xff bytes"
LARGE = 123456789012345678901234567890
SMALL = -1073741824
LOW = -1073741825
HALF = 0.5
TUPLE = (1, "two", (None, True, False), b"", "")
NEEDED = ("pin", ...)
def counted(n):
    for i in range(n):
        yield i
async def waits(x, *, y=3):
    return [x * z for z in (1, y)]
class Box:
    kind = "box"
    def __init__(self, it):
        self.it = it
    @property
    def twice(self):
        return self.it * 2
import micropython
@micropython.native
def native(a, b=2):
    inner = lambda c: c + b
    return inner(a), TEXT
@micropython.native
def plain(a):
    return a << 1
@micropython.native
def generates(n):
    while n:
        yield n
        n -= 1
@micropython.viper
def viper(buf) -> int:
    b = ptr8(buf)
    return b[0] | (b[1] << 8)
def everything():
    return "named as its file"
"""
ASKED = """
import asyncio, everything as e
print(repr(e.TEXT), e.BYTES, e.LARGE, e.SMALL, e.LOW, e.HALF, e.TUPLE[:2], e.TUPLE[2],
    e.TUPLE[3:], list(e.counted(3)), asyncio.run(e.waits(2)), e.Box(4).twice, e.native(1),
    e.plain(21), list(e.generates(2)), e.viper(b"\\x34\\x12"),
    {e.TEXT: 1}["not a name, with spaces"],
    e.everything(), e.NEEDED[1] is ..., e.Box.kind == "".join(["b", "ox"]),
    e.LARGE * -3 // e.LARGE, e.__file__)
"""


def test_every_kind_of_code_and_constant_is_the_same_from_flash(stock, tmp_path):
    flash = add(Image(from_uf2(stock)), {"everything.py": small("everything", EVERYTHING)})
    (tmp_path / "image.uf2").write_bytes(to_uf2(flash))
    with Pico(wifi=False, image=tmp_path / "image.uf2", speed=None) as pico:
        assert pico.run(ASKED).strip() == (
            "'not a name, with spaces' b'\\x00\\xff bytes' 123456789012345678901234567890 "
            "-1073741824 -1073741825 0.5 (1, 'two') (None, True, False) (b'', '') [0, 1, 2] "
            "[2, 6] 8 (3, 'not a name, with spaces') 42 [2, 1] 4660 1 named as its file True True "
            "-3 everything.py"
        )


def test_a_deploy_leaves_to_the_image_what_it_has_and_a_newer_firmware_goes_before_it(
    frozen_small, firmware  # noqa: F811
):  # fmt: skip
    with Pico(wifi=False, image=frozen_small) as pico:
        with Device(pico.url) as device:
            first = deploy(device)
        assert first.files == 2  # the launcher and the record
        pico.wait_for("v1 7 pico_w")
        assert pico.run("import os; print(os.listdir('/batcher'))") == "['deployed']\n"

        (firmware / "main.py").write_text(MAIN.replace("v1", "v2"))
        mark = pico.info()["printed"]
        with Device(pico.url) as device:
            assert deploy(device).copied == 7
        pico.wait_for("v2 7 pico_w", since=mark)

        (firmware / "main.py").write_text(MAIN)
        mark = pico.info()["printed"]
        with Device(pico.url) as device:
            back = deploy(device)
        assert (back.copied, back.removed) == (1, 6)  # the record
        pico.wait_for("v1 7 pico_w", since=mark)
        with Device(pico.url) as device:
            undeploy(device)
        assert pico.run("import os; print(os.listdir('/'))") == "[]\n"


@pytest.fixture
def frozen_small(stock, firmware, tmp_path):  # noqa: F811
    path = tmp_path / "small.uf2"
    path.write_bytes(freeze(stock))
    return path


def test_the_firmware_runs_from_the_image_and_delivers_each_reading_once(frozen, tmp_path):
    with CollectorThread(tmp_path / "db") as collector, Pico(image=frozen) as pico:
        with Device(pico.url) as device:
            assert deploy(device).files == 2
        pico.chip("kit.chips.bme280:BME280(clock)", 0x76)
        told = config(f"http://10.0.0.1:{collector.port}/v1/batches")
        with Device(pico.url) as device:
            device.run(
                f"with open('/batcher/config.json', 'w') as f:\n f.write({json.dumps(told)!r})"
            )
            code = "from batcher import records\nprint(records.__file__)"
            assert device.run(code) == "batcher/records.py\n"  # as it is called in an image
        mark = pico.info()["printed"]
        pico.reset("power")
        report = wait(pico, lambda report: report["delivered"] >= 20, mark)
        check(collector.rows(), report)
