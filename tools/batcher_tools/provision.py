"""`batcher provision`: the settings onto a board, and whether its Wi-Fi and uplink work."""

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from .board import ONBOARD, leave, maintain, reopen, restart, survey
from .deploy import board_for, check_board
from .device import Device, DeviceError, choose
from .paths import BOARDS, FIRMWARE
from .transfer import put_file

CONFIG = "/batcher/config.json"
SECRETS = "/batcher/secrets.json"
PORTS = {"http": 80, "https": 443, "mqtt": 1883, "mqtts": 8883}
ADVICE = {
    "wifi": "the Wi-Fi: are name and password right, is it a 2.4 GHz network in reach?",
    "name": "the uplink's name is not found: is it spelt right, does the network have DNS?",
    "connect": "nothing answers at the uplink's address and port: does it run? a firewall?",
    "answer": "the uplink refuses: is the token right, and the path of the URL?",
}
STAYS = "; the board stays in maintenance: `batcher resume` starts it"
DEVICE = typer.Argument(help="its port, such as /dev/ttyACM0; may be left out if there is one")
console = Console()


def split_secrets(config: dict) -> tuple[dict, dict]:
    """Settings -> (what anybody may see, what only the board should know)."""
    config = json.loads(json.dumps(config))
    secrets: dict = {}
    if config.get("wifi"):
        secrets["wifi"] = config.pop("wifi")
    hidden = {
        key: config["uplink"].pop(key)
        for key in ("token", "password")
        if config.get("uplink", {}).get(key)
    }
    if hidden:
        secrets["uplink"] = hidden
    return config, secrets


def read_json(device: Device, path: str) -> dict:
    """A JSON file of the board, {} where there is none."""
    text = device.run(
        f"try:\n    with open({path!r}) as f: print(f.read())\nexcept OSError: print('{{}}')"
    )
    try:
        return json.loads(text)
    except ValueError:
        raise DeviceError(f"{path} on the board is not JSON: delete it, or send one with --file")


def read_settings(device: Device) -> dict:
    """What the board has: its secrets laid over its settings, as it does it."""
    return wanted_object(
        CONFIG, rules().over(read_json(device, CONFIG), read_json(device, SECRETS))
    )


def read_file(path: Path) -> dict:
    """Settings from a file of this machine."""
    try:
        return wanted_object(path, json.loads(path.read_text()))
    except (OSError, ValueError) as exc:
        raise DeviceError(f"{path}: {exc}")


def wanted_object(where, config) -> dict:
    if not isinstance(config, dict):
        raise DeviceError(f"{where}: wanted an object, found something else")
    return config


def rules(name: str = "config"):
    """-> a firmware's module that reads a configuration: it judges here as on the board."""
    for folder in (str(FIRMWARE), str(BOARDS.parent)):
        if folder not in sys.path:
            sys.path.append(folder)
    return importlib.import_module("batcher." + name)


def validate(config: dict, own=()) -> None:
    """DeviceError with what the firmware would say of these settings.

    own: files of the board; one that has a board file of its own is the only one to know it.
    """
    faults: list[str] = []
    checked = rules().check(json.loads(json.dumps(config)), faults)
    if not faults:
        rules("preflight").fit(checked, faults)
        place = f"/batcher/boards/{checked['board']}."
        if any(path.startswith(place) for path in own):
            faults = [fault for fault in faults if not fault.startswith("board: ")]
    if faults:
        raise DeviceError("; ".join(faults))


def complete(config: dict, board: str, ask, again: bool = False) -> dict:
    """Fill in what is missing; again: ask for what is there, too, so that it can be corrected.

    ask(question, hidden, kept) -> the answer, or `kept`; None as `kept`: there has to be one.
    """
    config.setdefault("board", board)
    if again or "wifi" not in config:
        ask_wifi(config, ask)
    if config.get("uplink") is None:
        config["uplink"] = {}
    uplink = config["uplink"]
    if isinstance(uplink, dict) and (again or "url" not in uplink):
        ask_uplink(uplink, ask)
    if "sensors" not in config:
        config["sensors"] = [{"driver": ask("a sensor's driver, such as bme280", False, None)}]
    return config


def ask_wifi(config: dict, ask) -> None:
    """Name and password of each network, or of a first one."""
    wifi = config.get("wifi") or {"networks": [{}]}
    networks = wifi.get("networks") if isinstance(wifi, dict) else None
    if not isinstance(networks, list) or not all(isinstance(one, dict) for one in networks):
        return  # validate() says what is wrong with it
    for network in networks:
        known = network.get("ssid", "")
        name = ask("Wi-Fi network", False, known)
        if not name:
            return
        if name != known:
            network.pop("password", None)
        network["ssid"] = name
        answer(network, "password", ask, f"password of {name}", True)
    config["wifi"] = wifi


def ask_uplink(uplink: dict, ask) -> None:
    """Where the readings go, and what that asks for."""
    uplink["url"] = ask("URL of the collector or broker", False, uplink.get("url"))
    if str(uplink["url"]).startswith(("https:", "mqtts:")):
        answer(uplink, "ca_file", ask, "the file of its CA on the board", False)
    if str(uplink["url"]).startswith("mqtt"):
        answer(uplink, "user", ask, "its user", False)
        answer(uplink, "password", ask, "its password", True)
    else:
        answer(uplink, "token", ask, "its token", True)


def answer(entry: dict, key: str, ask, question: str, hidden: bool) -> None:
    """Ask for one key; it is left out where the answer is nothing."""
    entry[key] = ask(question, hidden, entry.get(key) or "")
    if not entry[key]:
        del entry[key]


def write(device: Device, config: dict) -> None:
    """Both files, each whole or not at all."""
    shown, secrets = split_secrets(config)
    put_file(device, CONFIG, json.dumps(shown).encode())
    put_file(device, SECRETS, json.dumps(secrets).encode())


def check(device: Device, config: dict, tell=print) -> str | None:
    """Try the Wi-Fi and the uplink from the board -> None, or what failed and what to do."""
    url = urlsplit(config["uplink"]["url"])
    wifi = config.get("wifi") or {"networks": []}
    networks = [(entry["ssid"], entry.get("password")) for entry in wifi["networks"]]
    known = {
        "networks": networks,
        "host": url.hostname,
        "port": url.port or PORTS[url.scheme],
        "path": url.path or "/",
        "token": config["uplink"].get("token"),
        "scheme": url.scheme,
    }
    code = "".join(f"{key} = {value!r}\n" for key, value in known.items())
    for line in device.run(code + (ONBOARD / "check.py").read_text(), timeout=120).splitlines():
        outcome, _, rest = line.partition(" ")
        step = rest.split(" ")[0]
        if outcome == "ok":
            tell(f"{step}: ok")
        elif outcome == "failed":
            return f"{ADVICE[step]} ({rest})"
    return None


def ask(text: str, hidden: bool, kept: str | None) -> str:
    """One question; Enter keeps what is there. A secret is not shown.

    Without a terminal answers are lines of the input, and its end is Enter for all that follow.
    """
    enter = "keep" if hidden and kept else kept or "none"
    question = text if kept is None else f"{text} (Enter: {enter})"
    while True:
        if sys.stdin.isatty():
            try:
                said = typer.prompt(question, default="", hide_input=hidden, show_default=False)
            except typer.Abort:
                raise DeviceError("stopped: nothing was written")
        else:
            line = sys.stdin.readline()
            said = line.strip()
            if not line and kept is None:
                raise DeviceError(f"no answer to {text!r}: nothing was written")
        if said or kept is not None:
            return said or kept


def register(app: typer.Typer) -> None:
    @app.command()
    def provision(
        device: Annotated[str | None, DEVICE] = None,
        board: Annotated[
            str | None, typer.Option(help="a name from boards/; else what the board says it is")
        ] = None,
        file: Annotated[
            Path | None, typer.Option(help="settings as JSON; asks for nothing that it has")
        ] = None,
        check_it: Annotated[
            bool, typer.Option("--check/--no-check", help="try Wi-Fi and uplink from the board")
        ] = True,
    ) -> None:
        """Settings onto a board: asks for them, and tries them from the board.

        Enter keeps what the board has. With --file only what that has not is asked for.
        """
        if board:
            check_board(board)
        given = read_file(file) if file else None
        with Device(choose(device)) as connected:
            seen = survey(connected)
            try:
                config = read_settings(connected) if given is None else given
            finally:
                if seen.running:  # we interrupted it, and its watchdog does not wait for answers
                    restart(connected, wait=False)
            if board:
                config["board"] = board
            complete(
                config, board_for(seen.machine) if "board" not in config else "", ask, not file
            )
            validate(config, seen.files)
            if connected.transport is None:
                reopen(connected)
            try:
                maintain(connected, seen)
                write(connected, config)
                console.print("the settings are on the board")
                fault = check(connected, config, console.print) if check_it else None
                if fault:
                    raise DeviceError(fault)
                leave(connected)
            except (DeviceError, KeyboardInterrupt) as exc:
                raise DeviceError(f"{str(exc) or 'stopped'}{STAYS if seen.launcher else ''}")
        console.print("the board was reset, its firmware starts")
