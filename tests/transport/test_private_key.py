"""Private keys in the formats that people paste."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import ConfigurationError
from ci_operators.transport import private_key
from ci_operators.transport.private_key import SigningKey, name_certificate
from tests.sources.okta.key_pairs import ec_key, jwk, pem, public_pem, rsa_key

RSA = rsa_key()
LABEL = "Connection okta_acme: private_key"


def read_private_key(pasted: object, label: str) -> SigningKey:
    return private_key.read_private_key(pasted, label, "the console showed it")


def is_same(found: SigningKey, key: Any) -> bool:
    """Return whether a key was read correctly."""
    return bool(found.key.private_numbers() == key.private_numbers())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: f"\n  {text}\n",
        lambda text: f"'{text}'",
        lambda text: text.replace("\n", ""),
        lambda text: text.replace("\n", " "),
        lambda text: text.replace("\n", "\\n"),
        lambda text: text.replace("\n", "\\r\\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n    "),
        lambda text: f"Bag Attributes\n  friendlyName: app\n{text}",
    ],
    ids=["whole", "spaces", "quoted", "one line", "spaced", "written", "written CR", "CR", "indented", "openssl"],
)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["pkcs8", "pkcs1"])
def test_a_pem_is_repaired(form: PrivateFormat, change: Any) -> None:
    for key, algorithm in ((RSA, "RS256"), (ec_key(), "ES256")):
        found = read_private_key(change(pem(key, form)), LABEL)
        assert is_same(found, key)
        assert (found.algorithm, found.kid) == (algorithm, None)


@pytest.mark.parametrize(
    "change", [json.dumps, lambda key: json.dumps(key, indent=2), dict], ids=["one line", "lines", "object"]
)
def test_a_jwk_is_read_with_its_id(change: Any) -> None:
    for key in (RSA, ec_key()):
        found = read_private_key(change(jwk(key, kid="key-1", use="sig")), LABEL)
        assert is_same(found, key)
        assert found.kid == "key-1"


def test_a_set_of_one_jwk_is_that_jwk() -> None:
    assert is_same(read_private_key(json.dumps({"keys": [jwk(RSA)]}), LABEL), RSA)


def test_the_curve_says_how_to_sign() -> None:
    assert read_private_key(pem(ec_key(ec.SECP384R1)), LABEL).algorithm == "ES384"
    assert read_private_key(pem(ec_key(ec.SECP521R1)), LABEL).algorithm == "ES512"


REFUSED: dict[str, list[Any]] = {
    "is empty": ["", "  ", None, "''"],
    "is not a private key": ["<private key>", "MIIEvQIBADANBg", "~/.ssh/id_rsa"],
    "is a public key or a certificate": [public_pem(RSA)],
    "is damaged: its first or its last line is missing": [pem(RSA)[:400], pem(RSA)[30:]],
    "is the public half": [json.dumps(jwk(RSA.public_key()))],
    "is encrypted with a passphrase": [
        pem(RSA, passphrase=b"open"),
        pem(RSA, PrivateFormat.TraditionalOpenSSL, b"open"),
    ],
    "is damaged": [
        pem(RSA).replace(pem(RSA)[200:264], ""),
        pem(RSA)[:60] + "\n-----END PRIVATE KEY-----",
        json.dumps({**jwk(RSA), "n": "AQAB"}),
        json.dumps({**jwk(RSA), "d": 7}),
        json.dumps({**jwk(ec_key()), "crv": "P-1"}),
    ],
    "begins like JSON but is not valid JSON": ["{", '{"kty": "RSA", "d": "', "{" * 100_000],
    "is not a JWK of an RSA or EC key": ["{}", '{"kty": "oct", "k": "c2VjcmV0"}', '{"keys": []}'],
    "is too short: it has 1024 bits": [pem(rsa_key(1024)), json.dumps(jwk(rsa_key(1024)))],
    "has a type that cannot sign here": [pem(ed25519.Ed25519PrivateKey.generate()), pem(ec_key(ec.SECP256K1))],
}


@pytest.mark.parametrize(
    ("sentence", "pasted"),
    [
        pytest.param(sentence, pasted, id=f"{sentence}-{number}")
        for sentence, all_ in REFUSED.items()
        for number, pasted in enumerate(all_, 1)
    ],
)
def test_an_invalid_key_is_refused_with_the_fix_and_not_quoted(sentence: str, pasted: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_private_key(pasted, LABEL)
    assert str(caught.value).startswith(f"{LABEL} {sentence}")
    assert not pasted or len(str(pasted)) < 5 or str(pasted)[-40:].strip() not in str(caught.value)


@given(st.text(max_size=200))
def test_any_other_text_raises_the_same_error(text: str) -> None:
    for pasted in (text, f"-----BEGIN PRIVATE KEY-----{text}-----END PRIVATE KEY-----", f"{{{text}"):
        with pytest.raises(ConfigurationError):
            read_private_key(pasted, LABEL)


def test_a_key_is_not_shown() -> None:
    assert "key=" not in repr(read_private_key(pem(RSA), LABEL))


SHA1_VALUE = "oaGhoaGhoaGhoaGhoaGhoaGhoaE"


@pytest.mark.parametrize(
    "pasted",
    ["A1" * 20, " a1" * 20, ":".join(["A1"] * 20), "SHA1 Fingerprint=" + ":".join(["A1"] * 20), "\u200e" + "a1" * 20],
    ids=["portal", "spaces", "colons", "openssl", "Windows"],
)
def test_a_thumbprint_is_read_in_every_form(pasted: str) -> None:
    found = name_certificate(SigningKey(RSA, "RS256", "kid"), pasted, "thumbprint", "Copy it.")
    assert (found.algorithm, found.kid, found.certificate) == ("RS256", None, {"x5t": SHA1_VALUE})


def test_a_longer_thumbprint_asks_for_the_newer_algorithm() -> None:
    found = name_certificate(SigningKey(RSA, "RS256"), "b2" * 32, "thumbprint", "Copy it.")
    assert (found.algorithm, list(found.certificate)) == ("PS256", ["x5t#S256"])


@pytest.mark.parametrize("pasted", [None, "", 7, "a1" * 19, "a1" * 33, "thumbprint"])
def test_anything_else_is_not_a_thumbprint(pasted: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^Field is not a thumbprint of 40 or 64 .* digits\. Copy it\.$"):
        name_certificate(SigningKey(RSA, "RS256"), pasted, "Field", "Copy it.")


def test_a_certificate_needs_an_rsa_key() -> None:
    with pytest.raises(ConfigurationError, match=r"^Field needs an RSA key"):
        name_certificate(SigningKey(ec_key(), "ES256"), "a1" * 20, "Field", "Copy it.")
