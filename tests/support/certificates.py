"""Certificates for tests, of an authority of their own."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Signed:
    """PEM files: who signed it, the certificate and its key."""

    authority: Path
    certificate: Path
    key: Path


def signed(folder: Path, name: str) -> Signed:
    """Of a client called `name`; valid for a day."""
    return _signed(folder, "client", name, ExtendedKeyUsageOID.CLIENT_AUTH)


def of_a_server(folder: Path) -> Signed:
    """Of a server on this machine: `localhost` and `127.0.0.1`; valid for a day."""
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return _signed(folder, "server", "localhost", ExtendedKeyUsageOID.SERVER_AUTH, names)


def _signed(folder: Path, kind: str, name: str, purpose: x509.ObjectIdentifier, *extensions: x509.ExtensionType) -> Signed:
    folder.mkdir()
    made = Signed(folder / "authority.crt", folder / f"{kind}.crt", folder / f"{kind}.key")
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _name("tests"), _name(name)
    basic = x509.BasicConstraints(ca=True, path_length=None)
    own = _builder(issuer, issuer, authority).add_extension(basic, critical=True).sign(authority, hashes.SHA256())
    builder = _builder(subject, issuer, key)
    for extension in (x509.ExtendedKeyUsage([purpose]), *extensions):
        builder = builder.add_extension(extension, critical=False)
    made.authority.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    made.key.chmod(0o600)
    return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
