"""What the firmware takes: bytes as .mpy, what one configuration loads, and the smallest heap.

The configuration: BME280, BH1750 and INA219 over HTTP. Sizes are those of armv6m (RP2040); the
heaps are of the 64-bit unix port, where a pointer is twice as long as on a board.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from batcher_tools.artifacts import Artifact
from batcher_tools.compile import compile_file, compile_firmware, compile_tree
from batcher_tools.demo.chips import Chips
from batcher_tools.paths import BOARDS, FIRMWARE, HOST_TESTS, program
from batcher_tools.romfs import make_romfs

CONFIG = {
    "board": "virtual",
    "uplink": {"url": "http://127.0.0.1:9/v1/batches", "retry_first_ms": 50},
    "sensors": [
        {"driver": "bme280", "bus": "i2c0", "every_ms": 100},
        {"driver": "bh1750", "bus": "i2c0", "every_ms": 100},
        {"driver": "ina219", "bus": "i2c0", "every_ms": 100},
    ],
    "batcher": {"memory": 3072, "batch_size": 20, "interval_ms": 300},
    "led": False,
    "report_ms": 200,
    "run_ms": 1500,
}


def runs(folder: Path, heap: int, chips, mapped: bool) -> bool:
    """Does it start, sample and try to send in a heap of so many KB? mapped: from a ROMFS."""
    (folder / "starts").unlink(missing_ok=True)
    env = dict(os.environ, MICROPYPATH="lib:.frozen", BATCHER_CHIPS=str(chips.port))
    size = ("-X", f"heapsize={heap}k")
    command = [program("micropython"), *size, "main.py"]
    if mapped:
        command = [
            sys.executable,
            "-m",
            "batcher_tools.mapped",
            "rom",
            *size,
            "import main\nmain.main()",
        ]
    try:
        run = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=3
        )
        said = run.stdout
    except subprocess.TimeoutExpired as exc:  # it is draining: that is far enough
        said = (exc.stdout or b"").decode()
    reports = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return (
        "MemoryError" not in said
        and len(reports) > 4
        and reports[-1]["sampled"] > 10
        and reports[-1]["errors"] > 0
    )


def floor(folder: Path, chips, mapped=False, low: int = 32, high: int = 512) -> int:
    """-> the smallest heap in KB in which it runs, to 4 KB."""
    while high - low > 4:
        middle = (low + high) // 8 * 4
        if runs(folder, middle, chips, mapped):
            high = middle
        else:
            low = middle
    return high


def loaded(folder: Path, chips) -> list[str]:
    """-> the modules of ours that are loaded at some time, by their .mpy files."""
    code = (
        "import sys, main\nseen=set()\nfrom batcher.hardware import build, prepare\n"
        "c=prepare()\nseen.update(sys.modules)\nh=build(c)\nfrom batcher.station import Station\n"
        "seen.update(sys.modules)\nStation(c, h)\nseen.update(sys.modules)\n"
        "print('\\n'.join(sorted(seen)))"
    )
    env = dict(os.environ, MICROPYPATH=f"{folder}:lib:.frozen", BATCHER_CHIPS=str(chips.port))
    run = subprocess.run(
        [program("micropython"), "-c", code], cwd=folder, env=env, capture_output=True, text=True
    )
    return [name for name in run.stdout.split() if name.startswith("batcher")]


def main():
    with tempfile.TemporaryDirectory() as temporary, Chips() as chips:
        folder = Path(temporary)
        arm = compile_firmware(folder / "arm", "armv6m")
        total = sum(path.stat().st_size for path in arm)
        compile_firmware(folder / "lib/batcher")
        compile_tree(BOARDS, folder / "lib/boards")
        (folder / "lib/kit").mkdir()
        compile_file(HOST_TESTS / "kit/remote.py", folder / "lib/kit/machine.mpy", "machine.py")
        shutil.copy(FIRMWARE / "main.py", folder)
        (folder / "config.json").write_text(json.dumps(CONFIG))
        names = loaded(folder, chips)
        part = 0
        for name in names:
            place = folder / "arm" / name.replace(".", "/")[len("batcher") :].lstrip("/")
            for path in (place.with_suffix(".mpy"), place / "__init__.mpy"):
                if path.is_file():
                    part += path.stat().st_size
        from_mpy = floor(folder, chips)
        compile_file(FIRMWARE / "main.py", folder / "lib/main.mpy", "main.py")
        files = sorted((folder / "lib").rglob("*.mpy"))
        image = [Artifact(f.relative_to(folder / "lib").as_posix(), f.read_bytes()) for f in files]
        (folder / "rom").write_bytes(make_romfs(image))
        shutil.rmtree(folder / "lib")
        from_rom = floor(folder, chips, True)
        for source, name in ((FIRMWARE / "batcher", "batcher"), (BOARDS, "boards")):
            shutil.copytree(source, folder / "lib" / name)
        (folder / "lib/kit").mkdir()
        shutil.copy(HOST_TESTS / "kit/remote.py", folder / "lib/kit/machine.py")
        from_source = floor(folder, chips)
    print(f"{'all modules as .mpy':<44}{total:>8} bytes in {len(arm)} files")
    print(f"{'what the configuration loads':<44}{part:>8} bytes, {len(names)} modules")
    print(f"{'smallest heap, from .mpy (64-bit)':<44}{from_mpy:>8} KB")
    print(f"{'smallest heap, from .mpy in mapped flash':<44}{from_rom:>8} KB")
    print(f"{'smallest heap, from source (64-bit)':<44}{from_source:>8} KB")
    print(f"BENCH firmware_mpy_bytes={total}")
    print(f"BENCH firmware_loaded_mpy_bytes={part}")
    print(f"BENCH firmware_heap_floor_mpy_kb={from_mpy}")
    print(f"BENCH firmware_heap_floor_rom_kb={from_rom}")
    print(f"BENCH firmware_heap_floor_source_kb={from_source}")


main()
