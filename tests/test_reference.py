"""The pages below docs/reference are made from the code, and are those of this code."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from everpost.model import limits
from everpost.providers.contract import DEFAULT_STATUSES
from everpost.settings.load import VARIABLES
from everpost.wiring import PROVIDERS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
STEPS = tomllib.loads((ROOT / "tools" / "pages" / "webhook_steps.toml").read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The pages as this code makes them, by name. The page of a provider that is gone lay there before."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "providers").mkdir()
    (folder / "providers" / "gone.md").write_text("# Gone\n")
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_docs.py"), str(folder)], check=True)
    return pages_in(folder)


def pages_in(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def section(page, title):
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text):
    return text.count("\n| ") - 2 * text.count("\n| ---")


def test_the_committed_pages_are_those_of_this_code(made):
    committed = pages_in(REFERENCE)
    stale = [name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name)]
    assert stale == [], "run make docs"


def test_each_provider_has_its_page_and_nobody_else(made):
    pages = {name for name in made if name.startswith("providers/")}
    assert pages == {f"providers/{name}.md" for name in PROVIDERS}
    assert [name for name in pages if f"]({name})" not in made["providers.md"]] == []


def test_every_limit_has_its_line_and_its_meaning(made):
    bounds = {line.split("`")[1]: line for line in made["limits.md"].splitlines() if line.startswith("| `")}
    assert bounds.keys() == {name for name in vars(limits) if name.isupper()}
    assert [name for name, row in bounds.items() if row.endswith("| |")] == []


def test_every_variable_is_explained(made):
    assert [name for name in VARIABLES if f"| `{name}` |" not in made["configuration.md"]] == []


def test_every_setting_and_every_row_of_every_table_of_answers_is_shown(made):
    for name, provider in PROVIDERS.items():
        page = made[f"providers/{name}.md"]
        assert rows(section(page, "Settings")) == len(provider.settings)
        assert rows(section(page, "What its answers mean")) == len(provider.rows)
    assert rows(section(made["providers.md"], "Answers over HTTP that no table names")) == len(DEFAULT_STATUSES)


def test_every_provider_that_tells_of_mail_has_the_steps_to_set_it_up_and_nobody_else():
    telling = {name for name, provider in PROVIDERS.items() if provider.webhook}
    assert STEPS.keys() == telling
    page = (ROOT / "docs" / "webhooks-in.md").read_text()
    assert set(re.findall(r"reference/providers/(\w+)\.md#set-up-its-webhooks", page)) == telling


def test_the_steps_are_numbered_and_name_the_setting_that_proves_events(made):
    for name in STEPS:
        provider = PROVIDERS[name]
        steps = section(made[f"providers/{name}.md"], "Set up its webhooks").partition("### How it tells")[0]
        numbers = [line.partition(".")[0] for line in steps.splitlines() if line[:1].isdigit()]
        assert numbers.count("1") == len(STEPS[name]["ways"])
        assert numbers.count("2") == len(STEPS[name]["ways"])
        assert provider.webhook.setting in {setting.name for setting in provider.settings}
        assert f"`{provider.webhook.setting} = " in steps
