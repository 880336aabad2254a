"""The recipe of the image: sound, and the same for every architecture."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.image.image import DOCKERFILE, ROOT, argument, distributions
from system_parts import missing

ARCHITECTURES = ("x86_64", "aarch64")
LINTER = Path(sys.executable).parent / "hadolint"


def linted(file):
    if not LINTER.exists():
        missing("hadolint is not installed: it comes with the dependency group `server`")
    done = subprocess.run([LINTER, "--no-color", file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_linter_of_dockerfiles_finds_nothing():
    assert linted(DOCKERFILE) == (0, "")


def test_the_linter_sees_what_should_not_be(tmp_path):
    broken = tmp_path / "Dockerfile"
    broken.write_text(DOCKERFILE.read_text().replace("WORKDIR /etc/everpost", "RUN cd /etc/everpost && sudo ls"))
    code, told = linted(broken)
    assert code != 0
    assert {"DL3003", "DL3004"} <= set(re.findall(r"DL\d+", told))


def test_all_extras_of_the_server_are_in_it():
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {*argument("EXTRAS").split(), "client", "django"} == set(about["optional-dependencies"])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_has_to_be_compiled(architecture):
    python = "cp" + re.search(r"python:(\d\.\d+)-slim", argument("BASE"))[1].replace(".", "")
    fits = re.compile(rf"-({python}-{python}|cp3\d+-abi3|(py2\.)?py3-none)-(any|manylinux\S*_{architecture}\S*)\.whl$")
    without = [
        name
        for name, package in distributions().items()
        if not any(fits.search(wheel["url"]) for wheel in package.get("wheels", ()))
    ]
    assert without == []


def test_the_root_has_no_part_in_it():
    lines = DOCKERFILE.read_text().splitlines()
    last = lines[max(index for index, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert "USER 10001:10001" in last
    assert [line for line in last if line.startswith("RUN")] == []  # so it is the same for all architectures


def test_nothing_that_lies_about_gets_into_it():
    wanted = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert wanted[0] == "*"
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE.read_text(), re.MULTILINE)
        for word in line.split()[:-1]
    }
    allowed = {line.removeprefix("!").removesuffix("/everpost") for line in wanted if line.startswith("!")}
    assert allowed == copied
