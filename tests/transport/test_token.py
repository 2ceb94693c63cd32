"""Tokens in the forms that people paste, for each vendor."""

from __future__ import annotations

import pytest

from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.api import Credentials
from ci_operators.transport.auth import TokenAuth
from ci_operators.transport.token import check_token
from tests.vendor_cases import DRY_RUN, OKTA, SENTINELONE, VendorCase

GOOD = {
    "okta": "00abcdefghijklmnopqrst",
    "sentinelone": "eyJhbGciOi.eyJzdWIi.c2ln",
    "recorded_future": "0123456789abcdef" * 2,
}
SCHEMES = {"okta": "SSWS ", "sentinelone": "ApiToken ", "recorded_future": ""}


def read_header(case: VendorCase, token: str, conn_id: str = "conn") -> tuple[str, str]:
    """Return the header of a Connection with this token."""
    _, auth = next(iter(case.api.sign_ins.values()))(Credentials(conn_id, "", token), "")
    assert isinstance(auth, TokenAuth)
    return auth.name, auth.value


everyone = pytest.mark.parametrize("case", [OKTA, SENTINELONE, DRY_RUN], ids=str)


@everyone
@pytest.mark.parametrize("form", ["{}", " {}\n"])
def test_a_token_becomes_the_vendors_header(case: VendorCase, form: str) -> None:
    token = GOOD[case.name]
    name, value = read_header(case, form.format(token))
    assert value == f"{SCHEMES[case.name]}{token}"
    assert name == ("X-RFToken" if case is DRY_RUN else "Authorization")


@pytest.mark.parametrize("case", [OKTA, SENTINELONE], ids=str)
def test_a_pasted_scheme_is_taken_off(case: VendorCase) -> None:
    for scheme in (SCHEMES[case.name], SCHEMES[case.name].lower(), f" {SCHEMES[case.name]} "):
        assert read_header(case, scheme + GOOD[case.name]) == read_header(case, GOOD[case.name])


@everyone
@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("changeme", "is still a placeholder"),
        ("TOKEN", "is still a placeholder"),
        ("xxxxxxxx", "is still a placeholder"),
        ("XXXXXXXX", "is still a placeholder"),
        ("********", "is still a placeholder"),
        ("<api token>", "is still a placeholder"),
        ("{{ token }}", "is still a placeholder"),
        ("Bearer abcdef", "contains a space"),
        ("abc\ndef", "contains a space or a character that no token has"),
        ("abc\u00e4def", "contains a space or a character that no token has"),
        ("abc\x00def", "contains a space or a character that no token has"),
    ],
)
def test_an_invalid_token_is_refused_with_the_place_to_get_one(case: VendorCase, token: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        read_header(case, token)
    text = str(caught.value)
    assert text.startswith("Connection conn: password ")
    assert text.endswith(("Admin.", "Viewer.", "support."))
    assert "abc" not in text


@pytest.mark.parametrize("token", ["0123456789ABCDEF" * 2, "0123456789abcdef", "0123456789abcdef" * 3])
def test_a_recorded_future_token_is_32_small_letters_and_digits(token: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"it has {len(token)} characters, but a token has 32") as caught:
        read_header(DRY_RUN, token)
    assert token not in str(caught.value)


def test_an_empty_token_gives_an_empty_header() -> None:
    with pytest.raises(ConfigurationError, match="password is empty"):
        check_token(None, label="password", where="Ask.")
