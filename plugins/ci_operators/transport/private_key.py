"""A private key out of whatever a person pasted (PEM or JWK), and what it signs. Imports cryptography: 0.1 s."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from ci_operators.core.errors import ConfigurationError

#: Vendors take no shorter RSA key.
LEAST_RSA_BITS = 2048
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Vendors allow an hour; the assertion is used at once, and clocks differ.
ASSERTION_LIFE_S = 300.0

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_JWK_KINDS: Mapping[str, type[RSAAlgorithm | ECAlgorithm]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm}
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the algorithm to sign with, and the key's id if it names one."""

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    algorithm: str
    kid: str | None = None


def sign_assertion(key: SigningKey, client_id: str, audience: str, now: float, kid: str | None) -> str:
    """Return the JWT (RFC 7523) that proves to `audience` that the client asks."""
    times = {"exp": int(now + ASSERTION_LIFE_S), "jti": uuid4().hex}
    claims = {"iss": client_id, "sub": client_id, "aud": audience, **times}
    return jwt.encode(claims, key.key, key.algorithm, headers={"kid": kid} if kid else None)


def read_private_key(pasted: object, label: str, where: str) -> SigningKey:
    """Return the key of a PEM or a JWK (text or object).

    A PEM may have lost its line breaks (a single-line field removes them) or have them as "\\n". Raises
    ConfigurationError, never quoting the key, if it is not a private key that can sign. `where`: "the Okta Admin
    Console showed it", for the advice.
    """
    try:
        return _read(pasted)
    except _WrongKeyError as err:
        raise ConfigurationError(
            f"{label} {err}. Paste the whole private key as {where} when it was created: PEM or JSON (JWK)."
        ) from None


class _WrongKeyError(ConfigurationError):
    """What is wrong with a key, as the end of a sentence."""


def _read(pasted: object) -> SigningKey:
    if isinstance(pasted, Mapping):
        return _read_jwk(pasted)
    text = str(pasted or "").strip().strip("'\"").strip()
    if not text:
        raise _WrongKeyError("is empty")
    return _read_jwk(_parse_json(text)) if text.startswith("{") else _read_pem(text)


def _read_pem(text: str) -> SigningKey:
    text = text.replace("\\r", "").replace("\\n", "\n")
    if "ENCRYPTED" in text:
        raise _WrongKeyError("is encrypted with a passphrase: store it without one")
    block = _BLOCK.search(text)
    if block is None:
        raise _WrongKeyError(_name_other(text))
    body = "\n".join(textwrap.wrap(_NOT_BASE64.sub("", block[2]), 64))
    try:
        key = load_pem_private_key(f"-----BEGIN {block[1]}-----\n{body}\n-----END {block[1]}-----\n".encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _WrongKeyError("is damaged: a part of it is missing or changed") from None
    return _describe(key, None)


def _name_other(text: str) -> str:
    """Return what a text is that does not hold a whole private key."""
    if "PRIVATE KEY-----" in text:
        return "is damaged: its first or its last line is missing"
    return "is a public key or a certificate" if "-----BEGIN" in text else "is not a private key"


def _parse_json(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text.replace("\n", " "))
    except (ValueError, RecursionError):
        raise _WrongKeyError("begins like JSON but is not valid JSON") from None
    keys = found.get("keys")
    if isinstance(keys, list) and len(keys) == 1 and isinstance(keys[0], dict):
        return keys[0]  # a key set, as the console shows the public half
    return found  # type: ignore[no-any-return]  # it begins with a brace


def _read_jwk(jwk: Mapping[str, Any]) -> SigningKey:
    kind = _JWK_KINDS.get(str(jwk.get("kty")))
    if kind is None:
        raise _WrongKeyError("is not a JWK of an RSA or EC key")
    if not jwk.get("d"):
        raise _WrongKeyError("is the public half of a key")
    try:
        key = kind.from_jwk(dict(jwk))
    except (InvalidKeyError, ValueError, TypeError, KeyError, AttributeError):
        raise _WrongKeyError("is damaged: a part of it is missing or changed") from None
    kid = jwk.get("kid")
    return _describe(key, kid if isinstance(kid, str) and kid else None)


def _describe(key: object, kid: str | None) -> SigningKey:
    if isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_RSA_BITS:
            raise _WrongKeyError(f"is too short: it has {key.key_size} bits, at least {LEAST_RSA_BITS} are required")
        return SigningKey(key, "RS256", kid)
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return SigningKey(key, _CURVES[key.curve.name], kid)
    raise _WrongKeyError("has a type that cannot sign here: use RSA, or EC with a NIST curve")
