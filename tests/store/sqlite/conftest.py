"""A place for the database of a test."""

import pytest


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "everpost.db")
