"""Ways out for batches: encoders (enc_*), transports and what keeps the link alive.

Nothing is imported here: a board loads only the modules its configuration names.
"""
