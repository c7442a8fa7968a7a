"""TLS that verifies: the CA is ours, the name is the server's, the date is right.

Rules
- There is no connection without a CA except by `verify=False`, which says so at every start.
- A handshake takes 26 KB in few pieces where TLS lives on the heap of the interpreter (RP2).
  One block of that size is taken at construction, given back right before the handshake and
  taken again when the connection is closed, so a fragmented heap does not matter.
"""

import gc
import ssl
from binascii import a2b_base64
from time import gmtime

from ..port import TLS_BYTES, log

_BEGIN = b"-----BEGIN CERTIFICATE-----"

# What the libraries (mbedTLS, OpenSSL) say, and after it what it means.
_MEANINGS = (
    "in the future",
    "not yet valid",
    " not valid yet",
    "expired",
    " expired",
    "mismatch",
    "not match",
    " for another name",
    "signed",
    "unable to get",
    " not signed by our CA",
)


def _certificates(data):
    """DER of each certificate in `data`, which is DER or PEM (RFC 7468). Raises ValueError."""
    if _BEGIN not in data:
        if data[:1] != b"0":  # an ASN.1 SEQUENCE
            raise ValueError("ca: wanted a DER or PEM certificate")
        return [data]
    found = []
    for part in data.split(_BEGIN)[1:]:
        text, end, _ = part.partition(b"-----END")
        if not end:
            raise ValueError("ca: a PEM certificate is cut short")
        found.append(a2b_base64(text))
    return found


class Tls:
    """ca: a file's name, or its bytes; DER or PEM, one or several certificates.

    verify   False: no certificate is checked, anybody may listen and answer
    name     the name the certificate must have, where it is not the host's
    reserve  bytes kept aside for the handshake, 0 for none; else what this port needs
    Raises ValueError or OSError for a CA that is missing or none.
    """

    _host = _block = None

    def __init__(self, ca=None, verify=True, name=None, reserve=TLS_BYTES):
        self.name = name
        self._context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if verify:
            if isinstance(ca, str):
                with open(ca, "rb") as file:
                    ca = file.read()
            context.verify_mode = ssl.CERT_REQUIRED
            for der in _certificates(ca or b""):
                context.load_verify_locations(cadata=der)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            log("TLS: NOT verified, anybody may answer for the server")
        self._reserve = reserve
        self.closed()

    def wrap(self, sock, host):
        """-> a socket that shakes hands with its first bytes."""
        self._host = host = self.name or host
        if self._reserve:
            self._block = None
            gc.collect()
        return self._context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)

    def closed(self):
        """The connection is gone: keep its memory for the next one."""
        if self._reserve and not self._block:
            gc.collect()
            try:
                self._block = bytearray(self._reserve)
            except MemoryError:
                pass  # in pieces right now; the next close tries again

    def explain(self, exc):
        """Raise an OSError that says what is wrong, where the library's words are known."""
        said = str(exc)
        known = False
        for text in _MEANINGS:
            if text[0] != " ":
                known = known or text in said
            elif known:
                said = "TLS: the certificate of %s is%s; this clock says %d-%02d-%02d"
                raise OSError(said % ((self._host, text) + gmtime()[:3]))
