"""The configuration is checked as a whole: every fault named, no secret told."""

# heap: 256k

import json

from batcher import config as checker
from batcher.hardware import prepare
from batcher.preflight import preflight
from kit import scratch

GOOD = {
    "board": "virtual",
    "uplink": {"url": "http://collector.lan:8080/v1/batches"},
    "sensors": [{"driver": "bme280", "address": 118}],
}


def check(found):
    faults = []
    config = checker.check(found, faults)
    assert faults == [], faults
    return config


def faults_of(**changes):
    config = json.loads(json.dumps(GOOD))
    for key in changes:
        config[key] = changes[key]
    faults = []
    checker.check(config, faults)
    return faults


def test_defaults_are_filled_in_and_options_kept():
    config = check(GOOD)
    assert config["wifi"] is None and config["device"] is None
    assert config["sensors"][0]["every_ms"] == 1000
    assert config["sensors"][0]["options"] == {"address": 118}
    noted = dict(GOOD)
    noted["_note"] = "JSON has no comments"
    noted["sensors"] = [dict(GOOD["sensors"][0], _where="in the garden")]
    noted["report_ms"] = None  # as if it were not there
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
        'uplink.url: found "ftp://x", wanted one of: http://host[:port]/path, https://',
        "uplink.deadline_ms: found 9000, wanted a whole number from 200 to 8000",
        "sensors[0].every_ms: found 0, wanted a whole number from 1 to 86400000",
        "sensors[1]: found a number, wanted an object",
        "batcher: found a list of 0, wanted an object",
    ):
        assert line in text, (line, text)
    assert len(faults) == 7 and not any(["\n" in fault for fault in faults])


def test_a_missing_key_and_an_empty_list():
    found = faults_of(board=None, uplink={})
    assert found[0] == "board: found nothing, wanted a string of 1 to 32 characters"
    assert found[1].startswith("uplink.url: found nothing, wanted one of: http"), found
    assert faults_of(sensors=None) == ["sensors: found nothing, wanted a list of 1 to 16"]
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
    text += "\n".join(faults_of(wifi={"networks": ["hunter2"]}, uplink="hunter2", spool="hunter2"))
    assert "hunter2" not in text
    assert "wifi.networks[0].password: found a string of 140 characters" in text


def _write(name, text):
    with open(name, "w") as file:
        file.write(text)
    return name


def test_files_secrets_laid_over_and_what_is_no_json():
    secret = {"uplink": {"token": "t"}, "wifi": {"networks": [{"password": "hunter2222"}]}}
    open_part = dict(GOOD)
    open_part["wifi"] = {"networks": [{"ssid": "home"}]}
    folder = scratch.folder("config")
    a = _write(folder + "/a.json", json.dumps(open_part))
    b = _write(folder + "/b.json", json.dumps(secret))
    c = _write(folder + "/c.json", '{\n "a": 1,\n "b": oops\n}\n')

    def load(path, secrets):
        faults = []
        config = checker.load(faults, path, secrets)
        return faults or config

    try:
        config = load(a, b)
        assert config["uplink"]["token"] == "t"
        assert config["uplink"]["url"] == GOOD["uplink"]["url"]
        assert config["wifi"]["networks"][0] == {"ssid": "home", "password": "hunter2222"}
        assert load(a, "no_such_file.json")["wifi"]["networks"][0]["password"] is None
        assert load(c, b) == [c + ": found something else near line 3, wanted JSON"]
        assert load(a, c) == load(c, b)
        assert load("nowhere.json", b) == [
            "nowhere.json: found no such file, wanted the configuration"
        ]
    finally:
        scratch.remove(folder)


def prepared(**changes):
    """-> the whole configuration, or the faults that preflight finds."""
    config = dict(GOOD)
    for key in changes:
        config[key] = changes[key]
    folder = scratch.folder("config")
    path = _write(folder + "/config.json", json.dumps(config))
    faults = []
    try:
        config = preflight(faults, path, "no_such_file.json")
        assert (prepare(path, "no_such_file.json") is None) == (faults != [])
    finally:
        scratch.remove(folder)
    return faults or config


def sensor(**more):
    return prepared(sensors=[dict(GOOD["sensors"][0], **more)])


def test_limits_and_bands_are_checked_against_the_fields_of_the_driver():
    whole = "wanted a whole number from "
    low = "-2147483646 to 2147483646"
    for key, good, wrongs in (
        (
            "limits",
            {"temperature": [None, 3000]},
            (
                ({"temperature": 5}, ".temperature: found a number, wanted a list of 2 to 2"),
                ({"temperature": [0.5, 1]}, ".temperature[0]: found 0.5, " + whole + low),
                ([1], ": found a list of 1, wanted an object"),
            ),
        ),
        (
            "band",
            {"temperature": 5},
            (
                ({"temperature": 0}, ".temperature: found 0, " + whole + "1 to 2147483646"),
                ({"temperature": [1, 2]}, ".temperature: found a list of 2, " + whole),
                (5, ": found a number, wanted an object"),
            ),
        ),
    ):
        assert sensor(**{key: good})["sensors"][0][key] == good
        unknown = ".warmth: found an unknown key, wanted one of: humidity, pressure, temperature"
        for wrong, line in (({"warmth": [0, 1]}, unknown),) + wrongs:
            found = sensor(**{key: wrong})
            assert len(found) == 1 and found[0].startswith("sensors[0]." + key + line), found


def test_what_does_not_go_together():
    one = ", wanted one of them"
    assert sensor(window_ms=1000)["sensors"][0]["window_ms"] == 1000
    assert sensor(band={"temperature": 5}, window_ms=1000) == [
        "sensors[0].band: found it beside window_ms" + one
    ]
    batteries = prepared(duty={}, sensors=[{"driver": "bme280", "window_ms": 1000}])
    assert batteries == ["sensors[0].window_ms: found it beside duty" + one]
    assert prepared(duty={}, spool={}) == ["duty: found it beside a spool" + one]
    assert prepared(duty={})["duty"]["upload_every"] == 6
    twice = prepared(sensors=[{"driver": "bme280"}, {"driver": "bme280"}])
    assert twice == ["sensors[1].name: found 'bme280', wanted another than that of sensors[0]"]


def test_what_overflows_goes_to_the_spool_where_there_is_one_and_nowhere_else():
    assert prepared()["batcher"]["overflow"] == "drop_oldest"
    assert prepared(spool={})["batcher"]["overflow"] == "spill"
    assert prepared(batcher={"overflow": "spill"}, spool={})["batcher"]["overflow"] == "spill"
    fault = "batcher.overflow: found '%s', wanted 'spill' with a spool, another without"
    for overflow, spool in (("spill", None), ("drop_newest", {}), ("drop_oldest", {})):
        found = prepared(batcher={"overflow": overflow}, spool=spool)
        assert found == [fault % overflow], found


def test_pins_are_given_away_once_and_no_trap_is_built():
    pulse = {"driver": "pulse", "counter": 4}
    both = prepared(sensors=[GOOD["sensors"][0], pulse])
    assert both == ["sensors[1]: GPIO 4: it is already used by i2c0"]
    trap = prepared(board="pico_w", sensors=[dict(pulse, counter=23)])
    assert trap == ["sensors[0]: GPIO 23: it powers the Wi-Fi chip"]
    adc2 = [{"driver": "analog", "adc": 4}]
    assert prepared(board="esp32", sensors=adc2)["board"] == "esp32"
    wifi = prepared(board="esp32", sensors=adc2, wifi={"networks": [{"ssid": "x"}]})
    assert wifi == ["sensors[0]: GPIO 4: it is on ADC2, which Wi-Fi uses"]
    assert prepared(board="toaster") == [
        "board: found 'toaster', wanted the name of a file in boards/"
    ]


def test_time_servers_are_strings():
    assert prepared(sntp=["pool.ntp.org"])["sntp"] == ["pool.ntp.org"]
    assert prepared(sntp=[3]) == ["sntp[0]: found 3, wanted a string of 1 to 64 characters"]


def test_a_url_is_one_that_its_transport_takes():
    for url in ("http://h", "http://h:80/a?b=1", "http://10.0.0.1:/", "mqtt://h", "mqtt://h:1883/"):
        assert prepared(uplink={"url": url})["uplink"]["url"] == url
    one = ", wanted one of: http://host[:port]/path, https://host[:port]/path, mqtt://host[:port], "
    for url in ("mqtt://h/path", "http://[::1]/", "http://h?x=1", "http://h#x", "http://:80/",
                "http://h:99999/", "http://h:port/", "http:/h/", "http://", "ftp://h"):  # fmt: skip
        found = prepared(uplink={"url": url})
        assert len(found) == 1 and found[0].startswith('uplink.url: found "%s"%s' % (url, one)), (
            found
        )
    found = prepared(uplink={"url": "http://me:hunter2@h/"})
    assert found[0].startswith("uplink.url: found a string of 20 characters" + one), found


def test_tls_needs_the_file_of_a_ca_that_is_there():
    for url in ("https://h/", "mqtts://h"):
        found = prepared(uplink={"url": url})
        assert found == ["uplink.ca_file: found nothing, wanted the CA's file, for TLS"]
        found = prepared(uplink={"url": url, "ca_file": "no_such.pem"})
        assert found == ["uplink.ca_file: found 'no_such.pem', wanted a file that is there"]
    folder = scratch.folder("ca")
    try:
        name = _write(folder + "/ca.pem", "")
        assert prepared(uplink={"url": "https://h/", "ca_file": name})["uplink"]["ca_file"] == name
    finally:
        scratch.remove(folder)


def test_a_spool_does_not_lie_where_the_firmware_is():
    for path in ("readings", "/batcher/readings", "/sd/batcher", "data/boards", ".readings"):
        assert prepared(spool={"path": path})["spool"]["path"] == path
    for path in ("batcher", "boards", "./sensors/", "uplink/a", ".", "..", "/", "/batcher",
                 "/batcher/", "/batcher/uplink"):  # fmt: skip
        fault = "spool.path: found '%s', wanted a folder of its own" % path
        assert prepared(spool={"path": path}) == [fault], path
