"""A client from the fields of a Connection."""

from __future__ import annotations

import pytest

from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.api import Credentials, open_client
from tests.noting_session import NotingSession
from tests.vendor_cases import DRY_RUN, OKTA, SENTINELONE, VendorCase
from tests.virtual_time import VirtualTime


@pytest.mark.parametrize(
    ("case", "url", "base_url"),
    [
        (OKTA, "https://acme-admin.okta.com/admin/dashboard", "https://acme.okta.com"),
        (OKTA, "ACME-Admin.oktapreview.com", "https://acme.oktapreview.com"),
        (OKTA, "https://acme-admin.okta.com:8443", "https://acme.okta.com:8443"),
        (OKTA, "https://login.example.org", "https://login.example.org"),
        (OKTA, "http://localhost:8080", "http://localhost:8080"),
        (SENTINELONE, "https://acme.sentinelone.net/incidents/threats?page=1", "https://acme.sentinelone.net"),
        (SENTINELONE, "https://acme-admin.sentinelone.net", "https://acme-admin.sentinelone.net"),
        (DRY_RUN, "", "https://api.recordedfuture.com"),
        (DRY_RUN, "https://api.recordedfuture.com/collective-insights/detections", "https://api.recordedfuture.com"),
    ],
)
def test_url_is_repaired_also_by_the_vendors_own_rules(
    case: VendorCase, url: str, base_url: str, session: NotingSession, virtual_time: VirtualTime
) -> None:
    assert case.connect(url, session, virtual_time).base_url == base_url


@pytest.mark.parametrize("case", [OKTA, SENTINELONE], ids=str)
def test_okta_and_sentinelone_require_a_url(
    case: VendorCase, session: NotingSession, virtual_time: VirtualTime
) -> None:
    with pytest.raises(ConfigurationError, match=rf"Connection conn: host is empty.*{case.api.about.url_example}"):
        case.connect("", session, virtual_time)


@pytest.mark.parametrize("case", [OKTA, SENTINELONE, DRY_RUN], ids=str)
def test_a_wrong_field_is_named_with_its_connection(
    case: VendorCase, session: NotingSession, virtual_time: VirtualTime
) -> None:
    with pytest.raises(ConfigurationError, match=r"^Connection conn: host"):
        case.connect("http://acme.okta.com", session, virtual_time)
    with pytest.raises(ConfigurationError, match=r"^Connection conn: password is empty"):
        case.connect("https://acme.okta.com", session, virtual_time, token=" ")


@pytest.mark.parametrize("case", [OKTA, SENTINELONE, DRY_RUN], ids=str)
def test_nothing_shows_the_token_and_nothing_is_sent(
    case: VendorCase, session: NotingSession, virtual_time: VirtualTime
) -> None:
    credentials = Credentials("conn", "https://acme.okta.com", case.token)
    client = open_client(case.api, credentials, session, virtual_time.pacer())
    assert case.token not in repr(credentials)
    assert case.token not in repr(client)
    assert session.sent == []
