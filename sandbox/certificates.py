"""A certificate authority for tests and the demo, because msal refuses a token endpoint that is not https.

Files are kept and reused: a service that was started with `M365_CA_BUNDLE` pointing at `ca.pem` must still trust the
stand-in after a restart.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_LIFE = timedelta(days=825)
_RENEW_BEFORE = timedelta(days=7)


@dataclass(frozen=True)
class Authority:
    """Paths: `ca` is what a client trusts, `certificate` and `key` are the server's for 127.0.0.1 and localhost."""

    ca: Path
    certificate: Path
    key: Path

    @property
    def pair(self) -> tuple[Path, Path]:
        return self.certificate, self.key


def make_ca(folder: Path) -> Authority:
    """The authority in `folder`, made when missing or about to expire."""
    made = Authority(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if all(path.exists() for path in (made.ca, made.certificate, made.key)) and _fresh(made):
        return made
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    ca_key, ca = _authority(now)
    server_key, server = _server(now, ca_key, ca)
    _write(made.ca, ca.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(made.key, _private(server_key), 0o600)
    _write(made.certificate, server.public_bytes(serialization.Encoding.PEM), 0o644)
    return made


def make_client_certificate(folder: Path, name: str = "client") -> tuple[Path, Path]:
    """A self-signed certificate and its private key, for signing in an app with a certificate instead of a secret."""
    certificate, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    if certificate.exists() and key_path.exists():
        return certificate, key_path
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.now(UTC)
    signed = _builder(_name(f"Seatkeeper sandbox {name}"), _name(f"Seatkeeper sandbox {name}"), key, now)
    _write(key_path, _private(key), 0o600)
    public = signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    _write(certificate, public, 0o644)
    return certificate, key_path


def _fresh(made: Authority) -> bool:
    limit = datetime.now(UTC) + _RENEW_BEFORE
    try:
        stored = [x509.load_pem_x509_certificate(path.read_bytes()) for path in (made.ca, made.certificate)]
    except ValueError:
        return False
    return all(certificate.not_valid_after_utc > limit for certificate in stored)


def _authority(now: datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Seatkeeper sandbox authority")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())


def _server(
    now: datetime, ca_key: ec.EllipticCurvePrivateKey, ca: x509.Certificate
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())  # each request is a handshake, and this kind is quick
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = (
        _builder(_name("127.0.0.1"), ca.subject, key, now)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(ca_key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, key: _Key, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _private(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.chmod(mode)
    fresh.replace(path)
