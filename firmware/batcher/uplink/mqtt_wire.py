"""MQTT 3.1.1's packets: what we write, and a reader for what a broker may say to a publisher.

Section numbers are those of the OASIS standard. Rules: a packet is taken whole or not at all, so
that a reader may be cancelled; one it has no use for is passed over, one that cannot be is an
OSError.
"""

from ..port import const

CONNACK = const(0x20)
PUBACK = const(0x40)
PINGRESP = const(0xD0)


def fixed(kind, n):
    """-> the first bytes of a packet of n more bytes (2.2)."""
    out = bytearray((kind,))
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return out


def text(value):
    """A string or bytes with its length before it (1.5.3)."""
    value = value.encode() if isinstance(value, str) else value
    if len(value) > 65535:
        raise ValueError("mqtt: a string is longer than 65535 bytes")
    return bytes((len(value) >> 8, len(value) & 255)) + value


def connect(client_id, clean, keepalive_s, will, user, password):
    """-> the CONNECT packet (3.1). will: (topic, payload, retain) or None."""
    flags = 2 if clean else 0
    body = text(client_id)
    if will:
        flags |= 0x2C if will[2] else 0x0C  # QoS 1
        body += text(will[0]) + text(will[1])
    if user is not None:
        flags |= 0x80
        body += text(user)
        if password is not None:
            flags |= 0x40
            body += text(password)
    body = b"\0\x04MQTT\x04" + bytes((flags, keepalive_s >> 8, keepalive_s & 255)) + body
    return fixed(0x10, len(body)) + body


async def packet(wire):
    """Read the next packet -> CONNACK, PUBACK or PINGRESP.

    `number` is the two bytes of a CONNACK (flags, code) or PUBACK (id).
    """
    buffer = wire.buffer
    while True:
        while wire.rest:  # of a message, see below
            if wire.at == wire.end:
                await wire.more()
            n = min(wire.rest, wire.end - wire.at)
            wire.at += n
            wire.rest -= n
        n = i = 0
        while True:
            i += 1
            while wire.end - wire.at <= i:
                await wire.more()
            byte = buffer[wire.at + i]
            n |= (byte & 127) << 7 * i - 7
            if byte < 128:
                break
            if i == 4:
                raise OSError("MQTT: a length without an end")
        kind = buffer[wire.at]
        if kind & 0xF0 == 0x30:  # a message for an old subscription of this client id
            wire.at += i + 1
            wire.rest = n
            continue
        if n != (0 if kind == PINGRESP else 2) or kind not in (CONNACK, PUBACK, PINGRESP):
            raise OSError("MQTT: this is no answer of a broker: %d, %d bytes" % (kind, n))
        while wire.end - wire.at < n + 2:
            await wire.more()
        at = wire.at
        wire.at = at + n + 2
        if n:
            wire.number = buffer[at + 2] << 8 | buffer[at + 3]
        return kind
