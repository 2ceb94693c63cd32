import pytest

pytest.register_assert_rewrite("tests.sources.contract", "tests.sources.golden")  # so that failures show both values
