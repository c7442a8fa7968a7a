"""MQTT 3.1.1's packets: what we write, and a reader for what a broker may say to a publisher.

Section numbers are those of the OASIS standard. Rules: a packet the reader has no use for is
passed over, one that cannot be is an OSError.
"""

from ..errors import whole
from ..port import const

CONNACK = const(0x20)
PUBACK = const(0x40)
PINGRESP = const(0xD0)
_PUBLISH = const(0x30)
_WHOLE = const(99)


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
    if isinstance(value, str):
        value = value.encode()
    return whole("mqtt: bytes of a string", len(value), 0, 65535).to_bytes(2, "big") + value


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
    body = b"\0\x04MQTT\x04" + (flags << 16 | keepalive_s).to_bytes(3, "big") + body
    return fixed(0x10, len(body)) + body


async def packet(wire, wanted):
    """Read to the end of the next packet of that kind -> its number.

    wanted: CONNACK, PUBACK or PINGRESP. The number is the two bytes of a CONNACK (flags, code)
    or PUBACK (id).
    """
    kind = 0
    while True:
        if wire.at == wire.end:
            await wire.receive()
        byte = wire.buffer[wire.at]
        wire.at += 1
        if not kind:
            kind = byte
            n = number = shift = 0
        elif shift == _WHOLE:
            n -= 1
            number = number << 8 & 0xFF00 | byte
        else:
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                shift = _WHOLE
            # Of a message for an old subscription of this client id nothing else is wanted.
            good = kind & 0xF0 == _PUBLISH or (
                kind in (CONNACK, PUBACK, PINGRESP) and n == (0 if kind == PINGRESP else 2)
            )
            if shift == 28 or shift == _WHOLE and not good:
                raise OSError("MQTT: this is no answer of a broker: %d, %d bytes" % (kind, n))
        if shift == _WHOLE and not n:
            if kind == wanted:
                return number
            kind = 0
