"""TLS on both interpreters: what is right connects, each wrong says what is wrong."""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys

import pytest

from batcher.uplink.tls import Tls, _certificates
from batcher_tools.paths import MICROPYPATH, program
from certificates import Authority
from kit.server import HttpServer

SEND = """
import json, sys
from batcher.identity import Identity
from batcher.port import asyncio
from batcher.uplink.http import HttpUplink
from batcher.uplink.tls import Tls
from kit.encoder import PlainJson, Source
with open(sys.argv[1]) as file:
    s = json.load(file)
async def main():
    tls = Tls(s["ca"], verify=s["verify"], name=s["name"])
    up = HttpUplink(s["url"], PlainJson(), Identity("d"), Source(), tls=tls)
    try:
        for _ in range(2):
            await up.send([1, 2, 3])
        print("sent")
    except OSError as exc:
        print("OSError:", exc)
    up.close()
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    (folder / "send.py").write_text(SEND)
    return folder


@pytest.fixture(scope="module")
def authority(folder):
    Authority(folder, "other")
    return Authority(folder)


def send(folder, pair, kind, micropython, ca="ca.der", verify=True, name="localhost"):
    """-> what a board says that posts to a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)

    async def main():
        async with HttpServer(tls=context) as server:
            settings = {
                "url": f"https://127.0.0.1:{server.port}/",
                "ca": str(folder / ca) if ca else None,
                "verify": verify,
                "name": name,
            }
            told = folder / "told.json"
            told.write_text(json.dumps(settings))
            if kind == "micropython":
                result = await asyncio.to_thread(micropython, folder / "send.py", told)
                return result.stdout
            from conftest import HERE, ROOT

            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(folder / "send.py"),
                str(told),
                stdout=asyncio.subprocess.PIPE,
                env={"PYTHONPATH": f"{HERE}:{ROOT}/firmware"},
            )
            return (await process.communicate())[0].decode()

    return asyncio.run(main())


BOTH = pytest.mark.parametrize("kind", ["micropython", "cpython"])


@BOTH
@pytest.mark.parametrize("key", ["ec", "rsa"])
@pytest.mark.parametrize("ca", ["ca.der", "ca.pem"])
def test_what_is_right_connects(folder, authority, micropython, kind, key, ca):
    pair = authority.issue(kind=key, file=f"good-{key}")
    assert send(folder, pair, kind, micropython, ca=ca) == "sent\n"


@BOTH
def test_each_wrong_says_what_is_wrong(folder, authority, micropython, kind):
    good = authority.issue(file="good")
    cases = (
        (good, {"ca": "other.der"}, "not signed by our CA"),
        (authority.issue("wrong.example", address=False), {}, "of localhost is for another name"),
        (authority.issue(since=-10, until=-1, file="old"), {}, "is expired; this clock says 20"),
        (authority.issue(since=10, until=20, file="new"), {}, "not valid yet; this clock says 20"),
    )
    for pair, settings, words in cases:
        said = send(folder, pair, kind, micropython, **settings)
        assert said.startswith("OSError:") and words in said, said


@pytest.mark.system
def test_a_clock_that_is_not_set_is_told(folder, authority):
    faketime = shutil.which("faketime")
    if not faketime:
        pytest.skip("faketime is not installed")
    pair = authority.issue(file="today")

    def run(script, told):
        command = [faketime, "2000-01-01 00:00:00", program("micropython"), str(script), str(told)]
        env = dict(os.environ, MICROPYPATH=MICROPYPATH)
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)

    said = send(folder, pair, "micropython", run)
    assert "not valid yet; this clock says 2000-01-01" in said, said


@BOTH
def test_no_verification_is_asked_for_and_said(folder, authority, micropython, kind):
    pair = authority.issue(since=-10, until=-1, file="old")
    said = send(folder, pair, kind, micropython, ca=None, verify=False)
    assert "NOT verified" in said and said.endswith("sent\n")


def test_a_ca_is_needed_and_must_be_one(folder, authority):
    with pytest.raises(ValueError, match="ca: wanted a DER or PEM certificate"):
        Tls()
    with pytest.raises(ValueError, match="wanted a DER or PEM certificate"):
        Tls(b"hello")
    with pytest.raises(ValueError, match="cut short"):
        _certificates(authority.pem.read_bytes()[:200])
    two = authority.pem.read_bytes() * 2
    for text in (two, two.replace(b"\n", b"\r\n"), b"CN=some words\n" + two):
        assert _certificates(text) == [authority.der.read_bytes()] * 2


def test_memory_for_the_handshake_is_kept_aside_and_comes_back(authority):
    tls = Tls(str(authority.der), reserve=26000)
    assert len(tls._block) == 26000
    with pytest.raises((ValueError, AttributeError, OSError, TypeError)):
        tls.wrap(None, "localhost")
    assert tls._block is None
    tls.closed()
    assert len(tls._block) == 26000
