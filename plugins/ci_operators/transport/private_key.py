"""A private key from the text that a person pasted (PEM or JWK), and what it signs. Imports cryptography: 0.1 s."""

from __future__ import annotations

import base64
import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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

#: Vendors do not accept a shorter RSA key.
LEAST_RSA_BITS = 2048
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Vendors allow an hour. The assertion is used at once, but clocks differ.
ASSERTION_LIFE_S = 300.0

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_JWK_KINDS: Mapping[str, type[RSAAlgorithm | ECAlgorithm]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm}
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")
_NOT_HEXADECIMAL = re.compile(r"[^0-9A-Fa-f]")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, its algorithm, and its id if it has one.

    certificate: the members of a JWT's header that identify the key's certificate.
    """

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    algorithm: str
    kid: str | None = None
    certificate: Mapping[str, str] = field(default_factory=dict)


def sign_assertion(key: SigningKey, client_id: str, audience: str, now: float, kid: str | None) -> str:
    """Return the JWT (RFC 7523) that proves the client's identity to `audience`."""
    times = {"exp": int(now + ASSERTION_LIFE_S), "jti": uuid4().hex}
    if key.certificate:  # Entra ID documents these too
        times |= {"nbf": int(now), "iat": int(now)}
    claims = {"iss": client_id, "sub": client_id, "aud": audience, **times}
    return jwt.encode(claims, key.key, key.algorithm, headers={**key.certificate, **({"kid": kid} if kid else {})})


def read_private_key(pasted: object, label: str, where: str) -> SigningKey:
    """Return the key of a PEM or a JWK (text or object).

    A PEM can be without its line breaks (a single-line field removes them) or have them as "\\n". Raises
    ConfigurationError, never with the key, if it is not a private key that can sign. where: "the Okta Admin
    Console showed it", for the advice.
    """
    try:
        return _read(pasted)
    except _WrongKeyError as err:
        raise ConfigurationError(
            f"{label} {err}. Paste the whole private key as {where} when it was created: PEM or JSON (JWK)."
        ) from None


def name_certificate(key: SigningKey, thumbprint: object, label: str, where: str) -> SigningKey:
    """Return the key with the thumbprint of its certificate (SHA-1 or SHA-256), which Entra ID identifies it by.

    Separators, a word before the digits, and invisible characters of a copied thumbprint are removed. Raises
    ConfigurationError for anything else. where: the sentence that says where to copy it from.
    """
    digits = _NOT_HEXADECIMAL.sub("", str(thumbprint or "").rpartition("=")[2]).lower()
    if len(digits) not in (40, 64):
        raise ConfigurationError(f"{label} is not a thumbprint of 40 or 64 hexadecimal digits. {where}")
    if not isinstance(key.key, RSAPrivateKey):
        raise ConfigurationError(f"{label} needs an RSA key, but private_key is an EC key.")
    value = base64.urlsafe_b64encode(bytes.fromhex(digits)).decode().rstrip("=")
    if len(digits) == 64:
        return replace(key, algorithm="PS256", kid=None, certificate={"x5t#S256": value})
    return replace(key, kid=None, certificate={"x5t": value})


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
        raise _WrongKeyError("is encrypted with a passphrase. Store it without one")
    block = _BLOCK.search(text)
    if block is None:
        raise _judge_other(text)
    body = "\n".join(textwrap.wrap(_NOT_BASE64.sub("", block[2]), 64))
    try:
        key = load_pem_private_key(f"-----BEGIN {block[1]}-----\n{body}\n-----END {block[1]}-----\n".encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _WrongKeyError("is damaged: a part of it is missing or changed") from None
    return _describe(key, None)


def _judge_other(text: str) -> _WrongKeyError:
    """Return the error for a text that does not contain a whole private key."""
    if "PRIVATE KEY-----" in text:
        return _WrongKeyError("is damaged: its first or its last line is missing")
    if "-----BEGIN" in text:
        return _WrongKeyError("is a public key or a certificate")
    return _WrongKeyError("is not a private key")


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
