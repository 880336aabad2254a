import pytest

from webhook_kit import Hooked


@pytest.fixture
def hooked(world):
    return Hooked(world)
