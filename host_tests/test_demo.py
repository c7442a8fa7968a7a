"""The demo, shortened: what it prints, what it leaves, and that its verdict can be bad."""

import re
import signal
import subprocess

from batcher_tools.demo.account import judge
from batcher_tools.demo.run import schedule
from batcher_tools.paths import BUILD, program

LINE = re.compile(
    r"demo: sampled=(\d+) delivered=(\d+) lost=0 duplicates=0 out_of_order=0 "
    r"heap_growth=-?\d+ seconds=[\d.]+"
)


def row(seq, t, series="s"):
    return {"device": "d", "boot": "b", "series": series, "seq": seq, "t": t}


def verdict(rows, sampled):
    return judge(rows, [{"sampled": sampled, "heap": 1, "at": 0.5}], (1, 2))


def test_the_verdict_sees_loss_repeats_and_disorder():
    good = [row(0, 10), row(1, 20), row(0, 10, "z"), row(2, 30)]
    assert verdict(good, 4).good
    assert verdict(good, 5).lost == 1 and not verdict(good, 5).good
    assert verdict([*good, row(3, 30)], 5).duplicates == 1  # another number, the same reading
    assert verdict([row(1, 20), row(0, 10)], 2).out_of_order == 1
    assert verdict([row(0, 20), row(1, 10)], 2).out_of_order == 1
    assert not verdict([], 0).good


def test_the_outage_lies_inside_the_run():
    for seconds in (3, 20, 60, 600):
        start, hole, end = schedule(seconds)
        assert 0 < start < hole < end < seconds


def test_the_demo_from_start_to_last_line():
    run = subprocess.run(
        [program("batcher"), "demo", "--seconds", "5"], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stdout + run.stderr
    last = run.stdout.strip().splitlines()[-1]
    found = LINE.fullmatch(last)
    assert found and found[1] == found[2] and int(found[1]) > 60, last
    assert "network: refused" in run.stdout and "network: black hole" in run.stdout
    page = (BUILD / "demo.html").read_text()
    assert (
        "<svg" in page
        and 'class="hole"' in page
        and "http://" not in page.replace("http://www.w3.org", "")
    )


def test_ctrl_c_ends_everything():
    demo = subprocess.Popen(
        [program("batcher"), "demo", "--seconds", "30"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in demo.stdout:
        if "sampled" in line:
            break
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=30)
    assert demo.returncode == 130 and "Traceback" not in rest, rest


def test_a_wrong_configuration_is_one_line(tmp_path, micropython):
    from batcher_tools.paths import FIRMWARE

    (tmp_path / "config.json").write_text(
        '{"board": "virtual", "uplink": {"url": "http://h/x"},'
        ' "sensors": [{"driver": "bme281"}, {"driver": "bme280", "address": 5}]}'
    )
    run = micropython(FIRMWARE / "main.py", heap="512k", check=False, cwd=tmp_path)
    assert run.returncode == 1
    lines = run.stdout.strip().splitlines()
    assert len(lines) == 2 and lines[0].startswith("config: sensors[0]: no driver 'bme281'"), lines
    assert lines[1].startswith("config: sensors[1]: bme280: option 'address': 5"), lines


def test_after_three_starts_without_a_delivery_the_repl_is_left_free(tmp_path, micropython):
    from batcher_tools.paths import FIRMWARE

    (tmp_path / "config.json").write_text(
        '{"board": "virtual", "uplink": {"url": "http://h/x"}, "run_ms": 300,'
        ' "sensors": [{"driver": "bme280"}]}'
    )
    (tmp_path / "starts").write_text("3")
    (tmp_path / "last.log").write_text("\n7 ended: KeyboardInterrupt: \n")
    run = micropython(FIRMWARE / "main.py", heap="512k", cwd=tmp_path)
    reason = "safe mode: 3 starts in a row ended before anything was delivered\n"
    assert run.stdout == reason + "last run: 7 ended: KeyboardInterrupt: \n" + reason
    assert (tmp_path / "starts").read_text() == "0"


def test_a_pin_held_at_power_up_makes_a_safe_start(tmp_path, micropython):
    from batcher_tools.paths import FIRMWARE

    (tmp_path / "config.json").write_text(
        '{"board": "virtual", "uplink": {"url": "http://h/x"}, "run_ms": 300,'
        ' "sensors": [{"driver": "bme280"}]}'
    )
    code = "\n".join(
        (
            "import sys; sys.path.insert(0, %r)" % str(FIRMWARE),
            "from boards import virtual",
            "from kit.machine import Pin",
            "Pin(virtual.HOLD, Pin.IN, Pin.PULL_UP).value(0)",
            "import main",
            "main.main()",
        )
    )
    run = micropython(code, heap="512k", cwd=tmp_path)
    assert run.stdout == 2 * "safe mode: the pin for it was held at power-up\n", run.stdout
