"""What the tests of the API are told on the command line."""

import pytest


@pytest.fixture
def api_examples(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--api-examples")
    return count
