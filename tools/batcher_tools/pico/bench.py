"""`batcher bench --pico`: costs on the emulated Pico W, in its own microseconds.

Each script of host_tests/bench/pico runs as the board's main.py, on a board of its own that
boots with the compiled firmware: nobody types at it, so its figures repeat to the digit.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from ..artifacts import build
from ..board import leave, maintain, survey
from ..collect.server import CollectorThread
from ..deploy import deploy
from ..device import Device, choose
from ..frozen.command import freeze
from ..paths import BUILD, HOST_TESTS, ROOT
from .client import Pico
from .filesystem import write_image
from .image import find_image
from .installed import ARCHITECTURE

FOLDER = HOST_TESTS / "bench" / "pico"
END = "BENCH-END"


def firmware(kept=()) -> dict[str, bytes]:
    """The firmware's files for the board's file system, compiled; kept: see artifacts.build."""
    return {f"/{file.path}": file.data for file in build(None, ARCHITECTURE, kept=kept)}


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


def run_script(path: Path, timeout: float = 600) -> dict:
    """Boot a board with the firmware and `path` as its main.py -> the figures it prints.

    Its first line says what it needs: `wifi` (half a minute), `collector` (at @PORT@), `frozen`
    (with the firmware in the image, and again in files; the figures of these end in `_files`),
    `names` (it looks at internal ones: those that it has are not shortened).
    """
    source = path.read_text() + f'\nprint("{END}")\n'
    needs = source.partition("\n")[0].partition(":")[0].split()
    figures = run_source(source, needs, timeout, "frozen" in needs)
    if "frozen" in needs:
        for key, value in run_source(source, needs, timeout, False).items():
            figures[key.replace("_bytes", "_files_bytes")] = value
    return figures


def run_source(source: str, needs: list[str], timeout: float, frozen: bool) -> dict:
    """The same for a script's text and needs; frozen: the firmware is in the image, not files."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if "collector" in needs:
            collector = stack.enter_context(CollectorThread(Path(folder) / "db"))
            source = source.replace("@PORT@", str(collector.port))
        image = None
        if frozen:
            image = Path(folder) / "image.uf2"
            image.write_bytes(freeze(find_image().read_bytes()))
        kept = re.findall(r"\b[A-Za-z_]\w*", source) if "names" in needs else ()
        files = {**({} if frozen else firmware(kept)), "/main.py": source.encode()}
        system = write_image(Path(folder) / "fs", files)
        # A network needs the wall clock's time; without one, sleeps pass at once.
        speed = 1 if "collector" in needs else None
        with Pico(wifi="wifi" in needs, filesystem=system, image=image, speed=speed) as pico:
            text = pico.wait_for(END, "Error: ", timeout=timeout)
    if END not in text:
        raise RuntimeError(f"on the emulated board:\n{text}")
    return figures_of(text)[0]


def deploy_twice() -> dict:
    """`batcher deploy` of everything, and again with nothing changed -> their times."""
    took = []
    with Pico(wifi=False) as pico:
        for _ in range(2):
            with Device(pico.url) as device:
                report = deploy(device)
            took.append(report.seconds)
            time.sleep(3)  # it starts, finds no configuration, and is at its REPL
    return {
        "pico_deploy_files": report.files,
        "pico_deploy_seconds": round(took[0], 1),
        "deploy_again_ratio": round(took[1] / took[0], 3),
    }


def run_on_device(path: Path, name: str) -> dict:
    """Run a script on a real board that has the firmware; it is in maintenance meanwhile."""
    with Device(choose(name)) as device:
        seen = survey(device)
        maintain(device, seen)
        if not seen.frozen or "/batcher/main.mpy" in seen.files:
            device.run("import sys; sys.path.insert(0, '/')")
        text = device.run(path.read_text(), timeout=120)
        leave(device)
    return figures_of(text)[0]


def run_tests() -> dict:
    """The figures that tests of the emulated board print: radio time, pulses lost."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "pico", "-k", "pulses or wakes"]
    run = subprocess.run([*command, str(HOST_TESTS / "pico")], stdout=subprocess.PIPE, text=True)
    figures, others = figures_of(run.stdout)
    if run.returncode:
        raise RuntimeError("\n".join(others))
    for key, value in figures.items():
        print(f"  {key:32} {value}", flush=True)
    return figures


HERE = {"deploy": deploy_twice, "tests": run_tests}  # what is no script on a board


def names(device: str = "") -> list[str]:
    """What can be measured; a real board is asked what needs nothing but the board."""
    if not device:
        return [*(path.stem for path in sorted(FOLDER.glob("*.py"))), *HERE]
    return [
        path.stem
        for path in sorted(FOLDER.glob("*.py"))
        if " collector" not in path.read_text().partition(":")[0]
    ]


def run_all(chosen: list[str], device: str = "") -> dict:
    """These, of `names` -> build/bench-pico.json, or build/bench-device.json."""
    target = BUILD / ("bench-device.json" if device else "bench-pico.json")
    some = chosen != names(device)
    figures = json.loads(target.read_text()) if some and target.exists() else {}
    for name in chosen:
        path = FOLDER / f"{name}.py"
        print(f"\n== {name}", flush=True)
        if name in HERE:
            found = HERE[name]()
        else:
            found = run_on_device(path, device) if device else run_script(path)
        for key, value in found.items():
            print(f"  {key:32} {value}", flush=True)
        figures.update(found)
    BUILD.mkdir(exist_ok=True)
    target.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
    print(f"\n{target.relative_to(ROOT)}: {len(figures)} figures")
    return figures
