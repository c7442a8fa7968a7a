"""Format, lint and types, in one run: `make check`, which CI runs too."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
STUBS = BIN.parent / "stubs"


def install_stubs() -> list[str]:
    """Each port's stubs into a folder of its own: they define the same modules. -> the ports."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["batcher"]["stubs"]
    ports = [name for name in pins if name != "stdlib"]
    for port in ports:
        stamp = STUBS / port / ".pinned"
        wanted = f"{pins[port]} {pins['stdlib']}"
        if not stamp.exists() or stamp.read_text() != wanted:
            pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
            target = ["--no-deps", "--upgrade", "--target", str(STUBS / port)]
            subprocess.check_call([*pip, *target, *wanted.split()])
            stamp.write_text(wanted)
    return ports


def mypy(cache: str, *words: str, **env: str) -> int:
    command = [BIN / "mypy", "--cache-dir", f"build/mypy-{cache}", *words]
    result = subprocess.run(
        [str(w) for w in command],
        cwd=ROOT,
        env=dict(os.environ, **env),
        text=True,
        stdout=subprocess.PIPE,
    )
    # The stubs have faults of their own: only what lies in the project counts.
    lines = [line for line in result.stdout.splitlines() if not line.startswith(".venv")]
    faults = [line for line in lines if ": error: " in line]
    if faults or result.returncode > 1 or not lines:
        print("\n".join(faults or [result.stdout]))
        return 1
    return 0


def host_types() -> int:
    # The scripts that run on a board are not the host's; what starts as None is not followed.
    options = ["--exclude", "onboard/", "--disable-error-code", "attr-defined"]
    return mypy("host", *options, "--disable-error-code", "call-arg", "tools/batcher_tools")


def firmware_types(port: str) -> int:
    """The firmware as the board of that port sees it."""
    stubs = STUBS / port
    options = ["--no-site-packages", "--custom-typeshed-dir", str(stubs), "--platform", "linux"]
    path = f"{stubs}:{ROOT / 'firmware'}"
    return mypy(port, *options, "--always-true", "MICROPYTHON", "-p", "batcher", MYPYPATH=path)


def stubs() -> int:
    """What editors are told (tools/stubs) is what the code has."""
    command = [
        sys.executable,
        "-m",
        "mypy.stubtest",
        "--concise",
        "--ignore-missing-stub",
        "batcher",
    ]
    env = dict(os.environ, MYPYPATH="tools/stubs", PYTHONPATH=str(ROOT / "firmware"))
    result = subprocess.run(
        command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if result.returncode:
        print(result.stdout)
    return result.returncode


def main() -> int:
    steps = [
        ("format", lambda: subprocess.call([BIN / "ruff", "format", "--check", "."], cwd=ROOT)),
        ("lint", lambda: subprocess.call([BIN / "ruff", "check", "."], cwd=ROOT)),
        ("host types", host_types),
        ("stubs for editors", stubs),
    ]
    for port in install_stubs():
        steps.append((f"firmware types, {port}", lambda port=port: firmware_types(port)))
    failed = []
    for name, step in steps:
        print(f"== {name}", flush=True)
        if step():
            failed.append(name)
    print("check:", "failed: " + ", ".join(failed) if failed else "all good")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
