"""`batcher bench --pico`: costs on the emulated Pico W, in its own microseconds.

Each script of host_tests/bench/pico runs as the board's main.py, on a board of its own that
boots with the compiled firmware: nobody types at it, so its figures repeat to the digit.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from ..artifacts import build
from ..board import leave, maintain, survey
from ..device import Device, choose
from ..paths import BUILD, HOST_TESTS, ROOT
from .client import Pico
from .filesystem import write_image

FOLDER = HOST_TESTS / "bench" / "pico"
ARCHITECTURE = "armv6m"
END = "BENCH-END"


def firmware() -> dict[str, bytes]:
    """The firmware's files for the board's file system, compiled."""
    return {f"/{file.path}": file.data for file in build(None, ARCHITECTURE)}


def figures_of(text: str) -> tuple[dict, list[str]]:
    """What a script printed -> (its BENCH lines, the others)."""
    figures, others = {}, []
    for line in text.replace("\r", "").splitlines():
        if line.startswith("BENCH "):
            key, _, value = line[6:].partition("=")
            figures[key] = json.loads(value)
        elif line.strip() and END not in line:
            others.append(line)
    return figures, others


def run_script(path: Path, timeout: float = 240) -> dict:
    """Boot a board with the firmware and `path` as its main.py -> the figures it prints."""
    source = path.read_bytes() + f'\nprint("{END}")\n'.encode()
    with tempfile.TemporaryDirectory() as folder:
        image = write_image(Path(folder) / "fs", {**firmware(), "/main.py": source})
        wifi = source.startswith(b"# wifi")  # half a minute for the radio's firmware
        with Pico(wifi=wifi, filesystem=image, speed=None) as pico:
            text = pico.wait_for(END, "Error: ", timeout=timeout)
    if END not in text:
        raise RuntimeError(f"{path.name} on the emulated board:\n{text}")
    return figures_of(text)[0]


def run_on_device(path: Path, name: str) -> dict:
    """Run a script on a real board that has the firmware; it is in maintenance meanwhile."""
    with Device(choose(name)) as device:
        maintain(device, survey(device))
        device.run("import sys; sys.path.insert(0, '/')")
        text = device.run(path.read_text(), timeout=120)
        leave(device)
    return figures_of(text)[0]


def run_tests() -> dict:
    """The figures that tests of the emulated board print: radio time, pulses lost."""
    print("\n== tests", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "pico", "-k", "pulses or wakes"]
    run = subprocess.run([*command, str(HOST_TESTS / "pico")], stdout=subprocess.PIPE, text=True)
    figures, others = figures_of(run.stdout)
    if run.returncode:
        raise RuntimeError("\n".join(others))
    for key, value in figures.items():
        print(f"  {key:32} {value}", flush=True)
    return figures


def run_all(only: str = "", device: str = "") -> dict:
    """Every script -> build/bench-pico.json, or build/bench-device.json."""
    target = BUILD / ("bench-device.json" if device else "bench-pico.json")
    figures = json.loads(target.read_text()) if only and target.exists() else {}
    for path in sorted(FOLDER.glob("*.py")):
        if only in path.name:
            print(f"\n== {path.stem}", flush=True)
            found = run_on_device(path, device) if device else run_script(path)
            for key, value in found.items():
                print(f"  {key:32} {value}", flush=True)
            figures.update(found)
    if not device and only in "tests":
        figures.update(run_tests())
    BUILD.mkdir(exist_ok=True)
    target.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
    print(f"\n{target.relative_to(ROOT)}: {len(figures)} figures")
    return figures
