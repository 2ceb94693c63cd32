"""An OAuth 2.0 service app of the simulated org, with a new key at each start: no key is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

CLIENT_ID: Final = "0oaSimulatorApp"
SCOPE: Final = "okta.logs.read"
_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class ServiceApp:
    """An app as the org knows it: its public key, its scopes, and whether it has an admin role."""

    client_id: str
    public_key: Any
    kid: str = "simulator-key"
    scopes: tuple[str, ...] = (SCOPE,)
    has_role: bool = True
    demands_dpop: bool = False


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key as PEM, and its public half."""

    private_pem: str = field(repr=False)
    public_key: Any


def make_key_pair() -> KeyPair:
    """Return a new RSA pair."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # only a simulator with an app needs it
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(pem.decode(), key.public_key())
