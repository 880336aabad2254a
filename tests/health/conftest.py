"""Servers of provider health, started once for all tests of a module."""

import uuid

import pytest
import trustme

from valkey_kit import valkey_server


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def key():
    """Of one test alone."""
    return f"everpost:{{{uuid.uuid4()}}}"


@pytest.fixture
def own_valkey(tmp_path):
    """One that a test may freeze and kill."""
    with valkey_server(tmp_path) as server:
        yield server
