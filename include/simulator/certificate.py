"""A certificate for a simulator that is not on loopback, because connectors send their tokens only by https."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

_VALID: Final = timedelta(days=365)
_FEW_MINUTES: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The paths of a certificate and its private key, both PEM."""

    chain: Path
    key: Path


def write_certificate(folder: Path, names: Sequence[str]) -> Certificate:
    """Return a new self-signed certificate for these hosts: `ca.pem` in the folder, which a Connection trusts."""
    from cryptography import x509  # only a simulator with a certificate needs it
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Collective Insights simulator")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _FEW_MINUTES)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    written = Certificate(folder / "ca.pem", folder / "key.pem")
    written.key.touch(mode=0o600)
    written.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    written.chain.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return written


def _general_name(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
