"""The pages below docs/reference are made from the code, and are those of this code."""

import subprocess
import sys
from pathlib import Path

import pytest

from everpost.model import limits
from everpost.providers.contract import DEFAULT_STATUSES
from everpost.settings.load import VARIABLES
from everpost.wiring import PROVIDERS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The pages as this code makes them, by name."""
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_docs.py"), str(folder)], check=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_committed_pages_are_those_of_this_code(made):
    committed = {path.name: path.read_text() for path in REFERENCE.iterdir()}
    stale = [name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name)]
    assert stale == [], "run make docs"


def test_every_limit_has_its_line_and_its_meaning(made):
    rows = {line.split("`")[1]: line for line in made["limits.md"].splitlines() if line.startswith("| `")}
    assert rows.keys() == {name for name in vars(limits) if name.isupper()}
    assert [name for name, row in rows.items() if row.endswith("| |")] == []


def test_every_variable_is_explained(made):
    assert [name for name in VARIABLES if f"| `{name}` |" not in made["configuration.md"]] == []


def test_every_row_of_every_table_of_answers_is_shown(made):
    sections = {part.partition("\n")[0]: part for part in made["providers.md"].split("\n## ")[1:]}
    lines = {name: section.count("\n| ") - 2 * section.count("\n| ---") for name, section in sections.items()}
    for provider in PROVIDERS.values():
        assert lines[provider.title] == len(provider.settings) + len(provider.rows)
    assert lines["Answers over HTTP that no table names"] == len(DEFAULT_STATUSES)
