"""The host's side of Batcher."""
