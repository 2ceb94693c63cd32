"""Public domains, distinguished from internal names and names of people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.sources.public_suffix import has_public_suffix


@pytest.mark.parametrize(
    "domain",
    ["example.com", "a.b.example.co.uk", "john.zip", "maria.rossi.it", "example.github.io", "xn--e1afmkfd.xn--p1ai"],
)
def test_a_name_below_a_public_suffix_is_a_public_domain(domain: str) -> None:
    assert has_public_suffix(domain)


@pytest.mark.parametrize(
    "name",
    [
        *("john.doe", "host.local", "srv.corp", "nas.lan", "db.internal", "example.xn--unknown"),
        *("co.uk", "com", "", ".", "a..com", ".com", "example.xn--\u00fc", "a.xn--99999999999"),
    ],
)
def test_other_names_are_not_public_domains(name: str) -> None:
    assert not has_public_suffix(name)


@given(st.text() | st.from_regex(r"(xn--[a-z0-9-]{0,8}\.){1,3}(com|xn--[a-z0-9-]{0,8})", fullmatch=True))
def test_asking_never_raises(name: str) -> None:
    assert has_public_suffix(name) in (True, False)
