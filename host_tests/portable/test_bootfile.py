"""Names of boots: counted, never twice, kept over a sleep and only over that."""

from batcher.bootfile import BootFile
from kit import scratch


def test_each_boot_counts_and_has_another_name():
    path = scratch.folder("boot")
    names = set()
    for n in range(1, 6):
        boot = BootFile(path)
        assert boot.safe and boot.count == n and len(boot.boot) == 8
        assert boot.boot[:3] == bytes([0, 0, n])
        names.add(boot.boot)
    assert len(names) == 5
    scratch.remove(path)


def test_a_wake_goes_on_once():
    path = scratch.folder("boot")
    before = BootFile(path)
    assert before.sleep(1234)
    woke = BootFile(path, woke=True)
    assert (woke.boot, woke.next_seq, woke.count) == (before.boot, 1234, 1)
    again = BootFile(path, woke=True)  # a crash since: nothing was put to sleep
    assert again.boot != before.boot and again.next_seq == 0
    again.sleep(7)
    assert BootFile(path).boot != again.boot  # a reset, not a wake
    scratch.remove(path)


def test_a_torn_file_is_no_loss():
    path = scratch.folder("boot")
    boot = BootFile(path)
    with open(path + "/boot", "wb") as file:
        file.write(b"BBT1xx")
    assert BootFile(path).count == boot.count + 1
    scratch.remove(path)


def test_without_flash_the_name_is_random():
    a = BootFile("/dev/null/x")
    b = BootFile("/dev/null/x")
    assert not a.safe and a.boot != b.boot and len(a.boot) == 8
