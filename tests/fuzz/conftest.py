"""What the fuzzers are told on the command line."""

import pytest


@pytest.fixture
def fuzz_inputs(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--fuzz-inputs")
    return count
