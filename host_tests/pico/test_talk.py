"""Settings, reports and sparklines: the parts of the commands that need no board."""

import pytest

from batcher_tools.deploy import board_for
from batcher_tools.provision import check, complete, read_json, split_secrets, write
from batcher_tools.talk import report_of, sparkline, stage_mount

GIVEN = {
    "wifi": {"networks": [{"ssid": "home", "password": "s3cret"}]},
    "uplink": {"url": "http://10.0.0.1:9/v1/batches", "token": "t0ken"},
    "sensors": [{"driver": "bme280"}],
}


def test_secrets_stand_in_a_file_of_their_own():
    shown, secrets = split_secrets(GIVEN)
    assert "s3cret" not in str(shown) and "t0ken" not in str(shown)
    assert secrets["wifi"] == GIVEN["wifi"] and secrets["uplink"] == {"token": "t0ken"}


def test_only_what_is_missing_is_asked_for():
    asked = []

    def ask(text, hidden, kept):
        asked.append((text, hidden))
        return "answer"

    config = complete({"wifi": None, "sensors": [{"driver": "bme280"}]}, "pico_w", ask)
    assert [hidden for _, hidden in asked] == [False, True]
    assert config["board"] == "pico_w" and config["uplink"]["token"] == "answer"


def test_a_board_is_known_by_what_micropython_says():
    assert board_for("Raspberry Pi Pico W with RP2040") == "pico_w"
    assert board_for("Raspberry Pi Pico 2 W with RP2350") == "pico2_w"
    assert board_for("Generic ESP32 module with ESP32") == "esp32"
    assert board_for("Generic ESP32S3 module with ESP32S3") == "esp32_s3"


def test_reports_and_sparklines():
    assert report_of('{"sampled": 3}') == {"sampled": 3}
    assert report_of("batcher: hello") is None and report_of("{broken") is None
    assert sparkline([0, 7, 14]) == "▁▄█" and sparkline([5]) == "▁"


def test_the_mounted_folder_has_the_package_the_boards_and_the_lab():
    folder = stage_mount()
    assert (folder / "batcher" / "batcher.py").exists() and (folder / "lab.py").exists()


@pytest.mark.pico
def test_settings_reach_the_board_and_a_dead_uplink_is_named(online):
    from batcher_tools.device import Device

    said = []
    with Device(online.url) as device:
        write(device, GIVEN)
        assert read_json(device, "/batcher/secrets.json")["uplink"] == {"token": "t0ken"}
        fault = check(device, GIVEN, said.append)
        assert said[:2] == ["wifi: ok", "name: ok"] and "nothing answers" in fault
        online.link("down")
        device.run("import network, time\ntime.sleep(1)")
        down = check(device, GIVEN, said.append)
        assert "the Wi-Fi" in down
    # What a person is told; the port itself carried the secrets, both ways.
    for secret in ("s3cret", "t0ken"):
        assert secret not in "\n".join([*said, fault, down])
