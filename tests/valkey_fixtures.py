"""Servers of Valkey, for all tests of a module or for one."""

import uuid
from contextlib import ExitStack

import pytest
import trustme

from valkey_kit import CLUSTERED, cluster, tls_server, valkey_server

PASSWORD = "s3cr3t-canary"


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


@pytest.fixture(scope="module")
def secured_nodes(tmp_path_factory, authority):
    """As ElastiCache is by default: TLS, a password, and a cluster that names its nodes."""
    options = ("--tls-cluster", "yes", "--masterauth", PASSWORD, *CLUSTERED)
    named = ("--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname")
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp("tls-cluster") for _ in range(3)]
        servers = [stack.enter_context(tls_server(folder, authority, PASSWORD, *options, *named)) for folder in folders]
        yield stack.enter_context(cluster(servers))
