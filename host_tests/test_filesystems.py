"""A spool on FAT, and on a littlefs that is full or fails: scripts/filesystems.py."""

from batcher_tools.paths import HOST_TESTS


def test_a_spool_on_fat_and_on_flash_that_is_full_or_fails(micropython):
    text = micropython(HOST_TESTS / "scripts" / "filesystems.py", heap="4m").stdout
    assert [line.split()[0] for line in text.splitlines()] == [
        "FAT",
        "QUOTA",
        "FULL",
        "EIO",
        "START",
    ]
