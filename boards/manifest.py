# Freezes the firmware into an image: make BOARD=... FROZEN_MANIFEST=boards/manifest.py
include("$(PORT_DIR)/boards/manifest.py")  # noqa: F821
package("batcher", base_path="../firmware")  # noqa: F821
module("main.py", base_path="../firmware")  # noqa: F821
