"""What the pages say is what is there."""

import json
import re
from pathlib import Path

import pytest

from everpost.dialects import legacy
from everpost.dialects.native import mail as native
from everpost.model.message import Draft
from everpost.settings import Settings, load
from everpost.wiring import PROVIDERS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def bodies() -> list[str]:
    return re.findall(r"(?:--data-raw|-d) '(\{.*?\})'", README, re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]*)", page.read_text())
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_the_configuration_in_the_readme_is_the_example_and_is_valid(tmp_path):
    [example] = blocks("toml")
    assert example == (ROOT / "everpost.example.toml").read_text()
    file = tmp_path / "everpost.toml"
    file.write_text(example)
    settings = load(file, {"MAILGUN_API_KEY": "key", "SENDGRID_API_KEY": "key"}, PROVIDERS)
    assert isinstance(settings, Settings)
    assert [account.name for account in settings.accounts] == ["mailgun", "sendgrid"]


def test_the_mails_in_the_readme_are_accepted():
    first, second = bodies()
    assert isinstance(legacy.parse(first.encode()), Draft)
    assert isinstance(native.parse(second.encode()), Draft)
    assert json.loads(second)["on_unknown"] == "hold"


def test_the_tests_that_the_threat_model_rests_on_are_there():
    named = set(re.findall(r"`(tests/[\w/.]+)`", (ROOT / "SECURITY.md").read_text()))
    gone = {name for name in named if (ROOT / name).parent.exists() and not (ROOT / name).exists()}
    assert len(named) > 20
    assert gone == set()


def test_the_targets_that_pages_name_are_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:^|`)make ([a-z-]+)\b", page.read_text(), re.MULTILINE)}
    assert named <= targets
    assert {"run", "test", "demo", "install"} <= named
