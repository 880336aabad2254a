import pytest

from store_values import Clock


@pytest.fixture
def clock():
    return Clock()
