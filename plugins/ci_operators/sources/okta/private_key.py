"""The private key of an Okta service app, out of whatever a person pasted: PEM or JWK. Imports cryptography: 0.1 s."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from ci_operators.core.errors import ConfigurationError

#: Okta takes no shorter RSA key.
LEAST_RSA_BITS = 2048

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_JWK_KINDS: Mapping[str, type[RSAAlgorithm | ECAlgorithm]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm}
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")
_MEND = "Paste the whole private key as the Okta Admin Console showed it when it was made: PEM or JSON (JWK)."


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the algorithm to sign with, and the key's id if it names one."""

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    algorithm: str
    kid: str | None = None


def read_private_key(pasted: object, label: str) -> SigningKey:
    """Return the key of a PEM or a JWK (text or object).

    A PEM may have lost its line breaks (a single-line field takes them away) or have them as "\\n". Raises
    ConfigurationError, never quoting the key, when it is none, a public, an encrypted or a short one.
    """
    if isinstance(pasted, Mapping):
        return _read_jwk(pasted, label)
    text = str(pasted or "").strip().strip("'\"").strip()
    if not text:
        raise ConfigurationError(f"{label} is empty. {_MEND}")
    if text.startswith("{"):
        return _read_jwk(_parse_json(text, label), label)
    return _read_pem(text, label)


def _read_pem(text: str, label: str) -> SigningKey:
    text = text.replace("\\r", "").replace("\\n", "\n")
    if "ENCRYPTED" in text:
        raise ConfigurationError(f"{label} is encrypted with a passphrase: store it without one. {_MEND}")
    block = _BLOCK.search(text)
    if block is None:
        raise ConfigurationError(f"{label} {_name_other(text)}. {_MEND}")
    body = "\n".join(textwrap.wrap(_NOT_BASE64.sub("", block[2]), 64))
    try:
        key = load_pem_private_key(f"-----BEGIN {block[1]}-----\n{body}\n-----END {block[1]}-----\n".encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(f"{label} is damaged: a part of it is missing or changed. {_MEND}") from None
    return _describe(key, None, label)


def _name_other(text: str) -> str:
    """Return what a text is that holds no whole private key."""
    if "PRIVATE KEY-----" in text:
        return "is damaged: its first or its last line is missing"
    return "is a public key or a certificate" if "-----BEGIN" in text else "is no private key"


def _parse_json(text: str, label: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text.replace("\n", " "))
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{label} begins like JSON and is none. {_MEND}") from None
    keys = found.get("keys")
    if isinstance(keys, list) and len(keys) == 1 and isinstance(keys[0], dict):
        return keys[0]  # a key set, as the console's public half is shown
    return found  # type: ignore[no-any-return]  # it begins with a brace


def _read_jwk(jwk: Mapping[str, Any], label: str) -> SigningKey:
    kind = _JWK_KINDS.get(str(jwk.get("kty")))
    if kind is None:
        raise ConfigurationError(f"{label} is no JWK of an RSA or EC key. {_MEND}")
    if not jwk.get("d"):
        raise ConfigurationError(f"{label} is the public half of a key. {_MEND}")
    try:
        key = kind.from_jwk(dict(jwk))
    except (InvalidKeyError, ValueError, TypeError, KeyError, AttributeError):
        raise ConfigurationError(f"{label} is damaged: a part of it is missing or changed. {_MEND}") from None
    kid = jwk.get("kid")
    return _describe(key, kid if isinstance(kid, str) and kid else None, label)


def _describe(key: object, kid: str | None, label: str) -> SigningKey:
    if isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_RSA_BITS:
            raise ConfigurationError(f"{label} is too short: {key.key_size} bits, Okta asks for {LEAST_RSA_BITS}.")
        return SigningKey(key, "RS256", kid)
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return SigningKey(key, _CURVES[key.curve.name], kid)
    raise ConfigurationError(f"{label} is of a kind that Okta does not take: use RSA, or EC with a NIST curve.")
