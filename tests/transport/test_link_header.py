"""The Link header in the forms servers write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.transport.link_header import find_link

NEXT = "https://acme.okta.com/api/v1/logs?after=1627500044869_1&limit=1000"
URLS = st.text(alphabet="abc:/?&=,;.%\"' 0123", min_size=1, max_size=60).filter(lambda url: url == url.strip())


@pytest.mark.parametrize(
    "header",
    [
        f'<{NEXT}>; rel="next"',
        f"<{NEXT}>; rel=next",
        f"<{NEXT}>;rel=next",
        f'<{NEXT}> ; REL = "Next"',
        f'<https://acme.okta.com/>; rel="self", <{NEXT}>; rel="next"',
        f'<{NEXT}>; rel="next", <https://acme.okta.com/>; rel="self"',
        f'<{NEXT}>; rel="next",<https://acme.okta.com/>; rel="self"',
        f'<https://acme.okta.com/a,b>; rel="self"; title="a, b", <{NEXT}>; title="c"; rel="prev next"',
    ],
)
def test_next_is_found(header: str) -> None:
    assert find_link(header, "next") == NEXT


@pytest.mark.parametrize(
    "header",
    [None, "", "next", f'<{NEXT}>; rel="self"', f"<{NEXT}>", f'<{NEXT}>; xrel="next"', f'<{NEXT}>; rel="nextpage"'],
)
def test_without_next_there_is_no_link(header: str | None) -> None:
    assert find_link(header, "next") is None


@given(st.lists(st.tuples(URLS, st.sampled_from(["self", "prev", "next"])), max_size=4))
def test_the_first_of_several_links_counts_in_any_order_and_with_commas(links: list[tuple[str, str]]) -> None:
    header = ", ".join(f'<{url}>; rel="{rel}"' for url, rel in links)
    for rel in ("self", "prev", "next"):
        assert find_link(header, rel) == next((url for url, own in links if own == rel), None)


@given(st.text())
def test_any_header_gives_a_link_or_none(header: str) -> None:
    link = find_link(header, "next")
    assert link is None or link in header
