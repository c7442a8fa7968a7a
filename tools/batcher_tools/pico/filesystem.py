"""The emulated board's file system, made on this side: a board that is deployed when it boots."""

from pathlib import Path

from littlefs import LittleFS

BLOCK = 4096
BLOCKS = 212  # 848 KB, as the image for the Pico W has it


def _new() -> LittleFS:
    return LittleFS(
        block_size=BLOCK, block_count=BLOCKS, read_size=32, prog_size=256, cache_size=256,
        lookahead_size=32, name_max=255, disk_version=0x00020000,
    )  # fmt: skip


def write_image(path: Path, files: dict[str, bytes]) -> Path:
    """Write a littlefs image that holds `files` (absolute path on the board: bytes) -> path."""
    system = _new()
    for name, data in files.items():
        folder = name.rpartition("/")[0]
        if folder:
            system.makedirs(folder, exist_ok=True)
        with system.open(name, "wb") as file:
            file.write(data)
    path.write_bytes(bytes(system.context.buffer))
    return path


def read_image(path: Path) -> dict[str, bytes]:
    """-> the files of a board's image (Pico.dump)."""
    system = _new()
    system.context.buffer[:] = path.read_bytes()
    system.mount()
    found = {}
    for folder, _, names in system.walk("/"):
        for name in names:
            full = f"{folder.rstrip('/')}/{name}"
            with system.open(full, "rb") as file:
                found[full] = file.read()
    return found
