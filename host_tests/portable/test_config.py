"""The configuration is checked as a whole: every fault named, no secret told."""

# heap: 256k

import json

from batcher.config import ConfigError, check, load
from kit.check import raises

GOOD = {
    "board": "virtual",
    "uplink": {"url": "http://collector.lan:8080/v1/batches"},
    "sensors": [{"driver": "bme280", "address": 118}],
}


def faults_of(**changes):
    config = json.loads(json.dumps(GOOD))
    for key in changes:
        config[key] = changes[key]
    with raises(ConfigError) as caught:
        check(config)
    return caught.exc.faults


def test_defaults_are_filled_in_and_options_kept():
    config = check(GOOD)
    assert config["batcher"]["overflow"] == "drop_oldest"
    assert config["wifi"] is None and config["device"] is None
    assert config["sensors"][0]["every_ms"] == 1000
    assert config["sensors"][0]["address"] == 118
    noted = dict(GOOD)
    noted["_note"] = "JSON has no comments"
    assert check(noted) == config


def test_every_fault_is_told_with_key_found_and_wanted():
    faults = faults_of(
        board=3,
        uplnk={},
        uplink={"url": "ftp://x", "deadline_ms": 9000},
        sensors=[{"driver": "bme280", "every_ms": 0}, 4],
        batcher=[],
    )
    text = "\n".join(faults)
    for line in (
        "board: found 3, wanted a string of 1 to 32 characters",
        "uplnk: found an unknown key, wanted one of: ",
        "uplink.url: found 'ftp://x', wanted http://host/path",
        "uplink.deadline_ms: found 9000, wanted a whole number from 200 to 8000",
        "sensors[0].every_ms: found 0, wanted a whole number from 1 to 86400000",
        "sensors[1]: found a number, wanted an object",
        "batcher: found a list of 0, wanted an object",
    ):
        assert line in text, (line, text)
    assert len(faults) == 7 and not any(["\n" in fault for fault in faults])


def test_a_missing_key_and_an_empty_list():
    with raises(ConfigError, "uplink.url: found nothing, wanted", "board: found nothing"):
        check({"sensors": [{"driver": "x"}]})
    assert faults_of(sensors=[]) == ["sensors: found a list of 0, wanted a list of 1 to 16"]


def test_a_spool_has_defaults_and_limits():
    assert check(GOOD)["spool"] is None
    spool = {"path": "readings", "quota": 262144, "unsaved_ms": 60000}
    config = dict(GOOD)
    config["spool"] = {}
    assert check(config)["spool"] == spool
    config["spool"] = {"unsaved_ms": 0}
    assert check(config)["spool"]["unsaved_ms"] == 0
    assert faults_of(spool={"quota": 4096, "unsaved_ms": -3}) == [
        "spool.quota: found 4096, wanted a whole number from 8192 to 268435456",
        "spool.unsaved_ms: found -3, wanted a whole number from 0 to 86400000",
    ]


def test_truth_is_no_number_and_numbers_are_no_truth():
    assert "found true, wanted a whole number" in faults_of(report_ms=True)[0]
    assert "found 1, wanted true or false" in faults_of(watchdog=1)[0]


def test_secrets_are_never_told():
    text = "\n".join(
        faults_of(
            uplink={"url": "http://h/x", "token": ["hunter2"], "pasword": "hunter2"},
            wifi={"networks": [{"ssid": "home", "password": "hunter2" * 20}]},
        )
    )
    assert "hunter2" not in text
    assert "wifi.networks[0].password: found a string of 140 characters" in text


def _write(name, text):
    with open(name, "w") as file:
        file.write(text)
    return name


def _remove(*names):
    import os

    for name in names:
        os.remove(name)


def test_files_secrets_laid_over_and_what_is_no_json():
    secret = {"uplink": {"token": "t"}, "wifi": {"networks": [{"password": "hunter2222"}]}}
    open_part = dict(GOOD)
    open_part["wifi"] = {"networks": [{"ssid": "home"}]}
    a = _write("config_test_a.json", json.dumps(open_part))
    b = _write("config_test_b.json", json.dumps(secret))
    c = _write("config_test_c.json", '{\n "a": 1,\n "b": oops\n}\n')
    try:
        config = load(a, b)
        assert config["uplink"]["token"] == "t"
        assert config["uplink"]["url"] == GOOD["uplink"]["url"]
        assert config["wifi"]["networks"][0] == {"ssid": "home", "password": "hunter2222"}
        assert load(a, "no_such_file.json")["wifi"]["networks"][0]["password"] is None
        with raises(
            ConfigError, "config_test_c.json: found something else near line 3, wanted JSON"
        ):
            load(c, b)
        with raises(ConfigError, "nowhere.json: found no such file"):
            load("nowhere.json", b)
    finally:
        _remove(a, b, c)


def test_limits_and_duty_are_checked_against_the_driver_and_the_spool():
    from batcher.preflight import preflight

    def faults(**changes):
        config = dict(GOOD)
        for key in changes:
            config[key] = changes[key]
        path = _write("config_test_d.json", json.dumps(config))
        try:
            preflight(path, "no_such_file.json")
        except ConfigError as exc:
            return exc.faults
        finally:
            _remove(path)
        return []

    def limits(found):
        return faults(sensors=[{"driver": "bme280", "limits": found}])

    assert limits({"temperature": [None, 3000]}) == []
    for wrong in ({"warmth": [0, 1]}, {"temperature": 5}, {"temperature": [0.5, 1]}, [1]):
        assert "sensors[0].limits: found" in limits(wrong)[0]
        assert "of: temperature, pressure, humidity" in limits(wrong)[0]

    def band(**more):
        return faults(sensors=[dict(GOOD["sensors"][0], **more)])

    assert band(band={"temperature": 5}) == band(window_ms=1000) == []
    for wrong in ({"warmth": 1}, {"temperature": 0}, {"temperature": [1, 2]}, 5):
        assert "sensors[0].band: found" in band(band=wrong)[0]
        assert "wanted {field: change}" in band(band=wrong)[0]
    assert "wanted one of them" in band(band={"temperature": 5}, window_ms=1000)[0]
    batteries = faults(duty={}, sensors=[{"driver": "bme280", "window_ms": 1000}])
    assert "and duty, which keeps all" in batteries[0]
    assert "found beside a spool" in faults(duty={}, spool={})[0]
    assert faults(duty={}) == [] and faults(sntp=["pool.ntp.org"]) == []
    assert "sntp[0]: found 3" in faults(sntp=[3])[0]
