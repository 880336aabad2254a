"""What Everpost is made of is what its lists say, and a wheel is the commit that it names."""

import json
import re
import shutil
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from system_parts import missing, program

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from chain import audit, lists, wheel  # noqa: E402  tools are no package of ours

DISTRIBUTIONS_MAX = 15
INSTALLED_BYTES_MAX = 40 * 1024 * 1024
INDEX = {"https://pypi.org/simple", "https://files.pythonhosted.org"}


@pytest.fixture(scope="module")
def uv():
    if shutil.which("uv") is None and not (ROOT / ".uv" / "uv").exists():
        missing("uv is not here; make install brings it")


@pytest.fixture(scope="module")
def requirements(uv):
    return lists.requirements()


@pytest.fixture(scope="module")
def bom(uv):
    return json.loads(lists.sbom())


def test_the_core_install_is_small_enough_to_be_read():
    assert len(lists.runtime()) <= DISTRIBUTIONS_MAX, list(lists.runtime())
    assert lists.bytes_of([lists.NAME, *lists.runtime()]) <= INSTALLED_BYTES_MAX


def test_every_distribution_stands_on_the_page_with_its_license():
    page = lists.PAGE.read_text()
    assert page == lists.with_table(page), "run make docs"
    rows = re.findall(r"^\| ([a-z0-9-]+) \| [\d.]+ \| [^|]+ \|", page, re.MULTILINE)
    assert set(rows) == set(lists.runtime())


def test_the_lock_names_no_other_index_than_that_of_python():
    lock = (ROOT / "uv.lock").read_text()
    hosts = set(re.findall(r'registry = "([^"]+)"', lock)) | set(re.findall(r'url = "(https?://[^/"]+)', lock))
    assert hosts == INDEX


def test_every_file_in_the_lock_has_a_digest():
    artifacts = [
        artifact
        for package in lists.locked().values()
        for artifact in (*package.get("wheels", ()), *filter(None, [package.get("sdist")]))
    ]
    assert len(artifacts) > len(lists.locked())
    assert [one["url"] for one in artifacts if not one.get("hash", "").startswith("sha256:")] == []


def test_pip_gets_every_distribution_with_its_digests(requirements):
    entries = re.split(r"\n(?=\S)", requirements.strip())
    found = {entry.partition("==")[0]: re.findall(r"--hash=sha256:[0-9a-f]{64}(?: |\n|$)", entry) for entry in entries}
    assert found.keys() == lists.runtime().keys()
    assert [name for name, hashes in found.items() if not hashes] == []
    assert "://" not in requirements


def test_the_bill_of_materials_is_valid_and_whole(bom):
    def schema(name):
        return json.loads(files("cyclonedx.schema._res").joinpath(f"{name}.SNAPSHOT.schema.json").read_text())

    parts = {f"{name}.SNAPSHOT.schema.json": schema(name) for name in ("spdx", "jsf-0.82")}
    known = ((f"http://cyclonedx.org/schema/{name}", DRAFT7.create_resource(part)) for name, part in parts.items())
    registry: Registry = Registry().with_resources(known)
    assert [error.message for error in Draft7Validator(schema("bom-1.5"), registry=registry).iter_errors(bom)] == []
    found = {component["name"]: component for component in bom["components"]}
    assert found.keys() == lists.runtime().keys()
    assert [name for name, component in found.items() if not component["licenses"]] == []


def test_the_same_lock_gives_the_same_bill_of_materials(bom):
    assert json.loads(lists.sbom()) == bom


@pytest.mark.slow
def test_two_builds_of_the_commit_are_the_same_wheel_and_it_holds_the_tree_and_nothing_else(uv, tmp_path):
    program("git")
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone, so there is no commit to build")
    assert wheel.build(tmp_path) == []
    [built] = tmp_path.glob("*.whl")
    check_tampering_is_seen(built, tmp_path)


def check_tampering_is_seen(built, folder):
    committed = wheel.tree()
    assert len(committed) > 100
    changes = {
        "only in the wheel: everpost.pth": lambda held: held | {"everpost.pth": b"import os"},
        "not as committed: everpost/__init__.py": lambda held: held | {"everpost/__init__.py": b"evil = True"},
        "missing in the wheel: everpost/logs.py": lambda held: {
            k: v for k, v in held.items() if k != "everpost/logs.py"
        },
    }
    with zipfile.ZipFile(built) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for told, change in changes.items():
        path = folder / "changed.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in change(held).items():
                archive.writestr(name, content)
        assert wheel.differences(path, committed) == [told]


@pytest.mark.parametrize(
    ("looked_up", "code", "words"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "no known vulnerability"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}]}], 1, "VULNERABLE: a has PYSEC-1"),
        (
            [{"name": "a", "vulns": []}, {"name": "b", "skip_reason": "?"}],
            audit.UNKNOWN,
            "NOT AUDITED: osv knows nothing of b",
        ),
    ],
)
def test_what_nobody_has_looked_up_is_told_and_is_no_success(capsys, looked_up, code, words):
    assert audit.told("osv", looked_up) == code
    assert words in capsys.readouterr().out
