"""MQTT 3.1.1's packets: what we write, and a reader for what a broker may say to a publisher.

Section numbers are those of the OASIS standard. Rules: the reader never waits and never
allocates; a packet it has no use for is passed over, one that cannot be is an OSError.
"""

CONNACK = 0x20
PUBACK = 0x40
PINGRESP = 0xD0
PING = b"\xc0\0"
DISCONNECT = b"\xe0\0"

# 3.2.2.3: return codes of CONNACK
REFUSALS = (
    "",
    "protocol version not accepted",
    "client id not accepted",
    "the broker is unavailable",
    "wrong user name or password",
    "not authorised",
)


def put_length(out, at, n):
    """Write n as 2.2.3 says; -> where it ends."""
    while n > 127:
        out[at] = n & 127 | 128
        n >>= 7
        at += 1
    out[at] = n
    return at + 1


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
        topic, payload, retain = will
        flags |= 0x2C if retain else 0x0C  # QoS 1
        body += text(topic) + text(payload)
    if user is not None:
        flags |= 0x80
        body += text(user)
        if password is not None:
            flags |= 0x40
            body += text(password)
    head = b"\0\x04MQTT\x04" + bytes((flags, keepalive_s >> 8, keepalive_s & 255))
    out = bytearray(5)
    out[0] = 0x10
    n = put_length(out, 1, len(head) + len(body))
    return bytes(out[:n]) + head + body


class Reader:
    """`room()` is where bytes go, `got(n)` says how many came, `parse()` gives packets."""

    def __init__(self):
        self._buffer = bytearray(128)
        self._view = memoryview(self._buffer)
        self.reset()

    def reset(self):
        self._at = self._end = self._skip = 0
        self.flags = self.code = self.number = 0

    def room(self):
        """-> a memoryview to read into; what is not parsed yet stays before it."""
        at = self._at
        if at:
            n = self._end - at
            self._buffer[:n] = self._buffer[at : self._end]
            self._at = 0
            self._end = n
        return self._view[self._end :]

    def got(self, n):
        self._end += n

    def parse(self):
        """-> CONNACK (flags, code), PUBACK (number), PINGRESP; 0: more bytes are needed."""
        buffer = self._buffer
        end = self._end
        while True:
            at = self._at
            if self._skip:
                n = min(self._skip, end - at)
                self._skip -= n
                self._at = at = at + n
            if end - at < 2:
                return 0
            kind = buffer[at]
            n = shift = 0
            while True:
                at += 1
                if at == end:
                    return 0
                n |= (buffer[at] & 127) << shift
                shift += 7
                if buffer[at] < 128:
                    break
                if shift > 21:
                    raise OSError("MQTT: a length without an end")
            at += 1
            if kind & 0xF0 == 0x30:  # a message for an old subscription of this client id
                self._at = at
                self._skip = n
                continue
            if n != (0 if kind == PINGRESP else 2) or kind not in (CONNACK, PUBACK, PINGRESP):
                raise OSError("MQTT: this is no answer of a broker: %d, %d bytes" % (kind, n))
            if at + n > end:
                return 0
            self._at = at + n
            if n:
                self.flags = buffer[at]
                self.code = buffer[at + 1]
                self.number = self.flags << 8 | self.code
            return kind
