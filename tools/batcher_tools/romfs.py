"""A read-only file system (ROMFS) of the compiled firmware, which runs from flash in place."""

from mpremote.romfs import VfsRomWriter

from .artifacts import Artifact


def make_romfs(files: list[Artifact]) -> bytes:
    """-> the image, for `mpremote romfs deploy` or vfs.VfsRom."""
    tree: dict = {}
    for file in files:
        *folders, name = file.path.split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = file.data
    writer = VfsRomWriter()

    def write(folder: dict) -> None:
        for name, content in sorted(folder.items()):
            if isinstance(content, dict):
                writer.opendir(name)
                write(content)
                writer.closedir()
            else:
                writer.mkfile(name, content)

    write(tree)
    return writer.finalise()
