"""One small data file a board: pins, buses, sizes. README.md says how to add one."""
