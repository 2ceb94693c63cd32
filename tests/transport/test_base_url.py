"""The repair of URLs that people paste."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.base_url import is_loopback, repair_base_url

EXAMPLE = "https://acme.okta.com"


def repair(text: str | None) -> str:
    return repair_base_url(text, label="Connection okta_default: host", example=EXAMPLE)


@pytest.mark.parametrize(
    ("pasted", "repaired"),
    [
        ("https://acme.okta.com", "https://acme.okta.com"),
        ("https://acme.okta.com/", "https://acme.okta.com"),
        ("https://acme.okta.com/api/v1/logs", "https://acme.okta.com"),
        ("https://acme.okta.com/api/v1/logs?limit=1#top", "https://acme.okta.com"),
        ("acme.okta.com", "https://acme.okta.com"),
        ("acme.okta.com/", "https://acme.okta.com"),
        ("HTTPS://ACME.OKTA.COM", "https://acme.okta.com"),
        ("https://acme.okta.com.", "https://acme.okta.com"),
        ("https://acme.okta.com:443", "https://acme.okta.com"),
        ("https://acme.okta.com:8443/x", "https://acme.okta.com:8443"),
        ("acme.okta.com:8443", "https://acme.okta.com:8443"),
        ("  https://acme.okta.com\n", "https://acme.okta.com"),
        ("'https://acme.okta.com'", "https://acme.okta.com"),
        ('"https://acme.okta.com/"', "https://acme.okta.com"),
        ("https://acme.sentinelone.net/dashboard", "https://acme.sentinelone.net"),
        (
            'https://acme.sentinelone.net/incidents/threats?filter={"timeTitle":"Last%20Month"}&page=1',
            "https://acme.sentinelone.net",
        ),
        ("acme.sentinelone.net/login?next=https://other.example.net/", "https://acme.sentinelone.net"),
        ("https://logs.example.org", "https://logs.example.org"),
        ("https://myexample.com", "https://myexample.com"),
        ("https://198.51.100.7", "https://198.51.100.7"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://okta-gateway", "https://okta-gateway"),
        ("https://simulator:8099/x", "https://simulator:8099"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://localhost:8080/x", "http://localhost:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_unambiguous_url_is_repaired(pasted: str, repaired: str) -> None:
    assert repair(pasted) == repaired


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        (None, "is empty"),
        ("", "is empty"),
        ("  ''  ", "is empty"),
        ("http://acme.okta.com", "sends the token unencrypted. Use https"),
        ("http://10.0.0.1:8080", "sends the token unencrypted. Use https"),
        ("https://{yourOktaDomain}", "is still a placeholder"),
        ("https://<tenant>.sentinelone.net", "is still a placeholder"),
        ("https://${OKTA_HOST}", "is still a placeholder"),
        ("https://yourdomain.okta.com", "is still a placeholder"),
        ("https://your-domain.okta.com", "is still a placeholder"),
        ("https://example.com", "is still a placeholder"),
        ("https://okta.example.com/", "is still a placeholder"),
        ("https://acme.okta.com.com", "is not the URL of a web server"),
        ("https://https://acme.okta.com", "is not the URL of a web server"),
        ("https//acme.okta.com", "is not the URL of a web server"),
        ("ftp://acme.okta.com", "is not the URL of a web server"),
        ("https://user:hunter2@acme.okta.com", "contains a user name or password"),
        ("user:hunter2@acme.okta.com", "contains a user name or password"),
        ("https://user:hunter2@<tenant>.okta.com", "contains a user name or password"),
        ("https://user:hunter2@[::1", "is not a valid URL"),
        ("http://okta-gateway", "sends the token unencrypted. Use https"),
        ("acme", "does not name a host"),
        ("acme:8443", "does not name a host"),
        ("https://1234", "does not name a host"),
        ("https://-acme", "does not name a host"),
        ("https://", "does not name a host"),
        ("https:/acme.okta.com", "does not name a host"),
        ("https://acme .okta.com", "does not name a host"),
        ("https://acme..okta.com", "does not name a host"),
        ("acme\\x.okta.com", "does not name a host"),
        ("https://acme.okta.com:port", "is not a valid URL"),
        ("https://acme.okta.com:99999", "is not a valid URL"),
        ("https://[::1/", "is not a valid URL"),
    ],
)
def test_an_invalid_url_is_refused_with_the_fix(pasted: str | None, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        repair(pasted)
    assert str(caught.value).startswith("Connection okta_default: host ")
    assert str(caught.value).endswith(f"Enter it like {EXAMPLE}.")
    assert "hunter2" not in str(caught.value)


@given(st.text() | st.text(alphabet="htps:/.[]@#?acme0", max_size=40))
def test_any_text_is_repaired_in_one_step_or_refused(text: str) -> None:
    try:
        url = repair(text)
    except ConfigurationError:
        return
    assert repair(url) == url
    assert url.startswith(("https://", "http://"))


def test_loopback_is_only_this_machine() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"))
    assert not any(is_loopback(host) for host in ("localhost.example.org", "10.0.0.1", "acme", ""))
