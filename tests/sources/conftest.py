"""The shared fixture of all sources' tests: their vendor on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sources.specimens import Wire, wired


@pytest.fixture
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """Serve the vendor of the module's `SERVED` or `SPECIMENS` without limits, with a client of it."""
    module = request.module
    with wired(getattr(module, "SERVED", module.SPECIMENS)) as found:
        yield found
