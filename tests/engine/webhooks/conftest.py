import pytest

from everpost.engine.webhooks import dispatcher
from webhook_kit import Hooked


@pytest.fixture
def hooked(world):
    return Hooked(world)


@pytest.fixture
def news_come_seldom(monkeypatch):
    """For tests of days: who delivers looks at its own times, and need not look for news each two seconds."""
    monkeypatch.setattr(dispatcher, "IDLE_S_MAX", 300.0)
