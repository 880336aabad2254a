"""What the tests of the collection share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from collection import chapters, contract
from pages import api


@pytest.fixture(scope="session")
def document():
    return api.document()


@pytest.fixture(scope="session")
def operations(document):
    return contract.operations(document)


@pytest.fixture(scope="session")
def scenarios(operations):
    return list(chapters.scenarios(operations))
