"""`batcher bench`: run every benchmark and gather its figures in one flat object.

A benchmark is a file host_tests/bench/bench_*.py (run on MicroPython) or
host_tests/bench/host_*.py (run on CPython, for what needs servers). It prints tables for a
person, and lines `BENCH key=value` that are gathered here.
"""

import json
import os
import subprocess
import sys
from typing import Annotated

import typer

from .paths import BUILD, FIRMWARE, HOST_TESTS, MICROPYPATH, ROOT, program

FOLDER = HOST_TESTS / "bench"


def run_one(path, heap: str = "8m") -> dict:
    """Run one benchmark, pass its tables on, return its figures."""
    env = dict(os.environ, MICROPYPATH=MICROPYPATH, PYTHONPATH=f"{FIRMWARE}:{HOST_TESTS}")
    if path.name.startswith("host_"):
        command = [sys.executable, str(path)]
    else:
        command = [program("micropython"), "-X", f"heapsize={heap}", str(path)]
    print(f"\n== {path.stem}", flush=True)
    figures = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT) as process:
        for line in process.stdout:
            if line.startswith("BENCH "):
                key, _, value = line[6:].strip().partition("=")
                figures[key] = json.loads(value)
            else:
                print(line, end="", flush=True)
    if process.returncode:
        print(f"{path.name} ended with {process.returncode}", file=sys.stderr)
        raise typer.Exit(1)
    return figures


def choose(only: str, names: list[str]) -> list[str]:
    """Those with `only` in them; where there are none, say so and end."""
    chosen = [name for name in names if only in name]
    if not chosen:
        raise typer.BadParameter(
            f"no benchmark has {only!r} in its name; there are: {', '.join(names)}"
        )
    return chosen


def cause_of(exc: Exception) -> str:
    """What a board said, or that it said nothing, in one line: a traceback's last."""
    lines = str(exc).strip().splitlines() or [type(exc).__name__]
    tracebacks = any(line.startswith("Traceback") for line in lines)
    return lines[-1] if tracebacks else lines[0]


def register(app: typer.Typer) -> None:
    @app.command()
    def bench(
        only: Annotated[str, typer.Argument(help="part of a benchmark's file name")] = "",
        pico: Annotated[bool, typer.Option("--pico", help="on the emulated Pico W")] = False,
        device: Annotated[str, typer.Option(help="on a real board, at this port")] = "",
    ) -> None:
        """Costs and ratios on real MicroPython, into build/bench.json.

        --pico: in emulated microseconds, into build/bench-pico.json; --device: on a real board.
        """
        if pico or device:
            from .pico import PicoError
            from .pico import bench as board_bench

            chosen = choose(only, board_bench.names(device))
            try:
                board_bench.run_all(chosen, device)
            except (PicoError, OSError, RuntimeError) as exc:  # a deadline is an OSError
                raise SystemExit(f"bench: {cause_of(exc)}") from None
            return
        target = BUILD / "bench.json"
        figures = json.loads(target.read_text()) if only and target.exists() else {}
        paths = {
            path.stem: path for path in [*FOLDER.glob("bench_*.py"), *FOLDER.glob("host_*.py")]
        }
        for name in choose(only, sorted(paths)):
            figures.update(run_one(paths[name]))
        BUILD.mkdir(exist_ok=True)
        target.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
        print(f"\n{target.relative_to(ROOT)}: {len(figures)} figures")
