"""Test certificates, made fresh: a CA, and server certificates right or wrong in one way."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def _key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """`Authority(folder, "ca")` writes ca.pem and ca.der; `issue(...)` writes a server's pair."""

    def __init__(self, folder: Path, name: str = "ca", kind: str = "ec"):
        self.folder = Path(folder)
        self.key = _key(kind)
        self.subject = _name(f"Test {name}")
        now = datetime.datetime.now(datetime.UTC)
        public = self.key.public_key()
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(self.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 4000 * DAY)
            .not_valid_after(now + 4000 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, True, True, False, False), True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .sign(self.key, hashes.SHA256())
        )
        self.pem = self.folder / f"{name}.pem"
        self.der = self.folder / f"{name}.der"
        self.pem.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        self.der.write_bytes(self.certificate.public_bytes(serialization.Encoding.DER))

    def issue(self, name="localhost", kind="ec", since=-1, until=365, file=None, address=True):
        """-> (certificate, key) files, valid from `since` to `until` days from now."""
        key = _key(kind)
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName(name)]
        if address:
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since * DAY)
            .not_valid_after(now + until * DAY)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
            .sign(self.key, hashes.SHA256())
        )
        stem = file or f"{name}-{kind}"
        cert, pem = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return cert, pem
