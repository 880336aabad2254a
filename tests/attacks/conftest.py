"""One server for all tests of a file: what they do to it must not hinder the others."""

import pytest

from attacks.house import served


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("house")) as place:
        yield place
