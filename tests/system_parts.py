"""Programs of the system that some tests start; .ci/packages lists the Debian packages they come from."""

import os
import shutil
from typing import NoReturn

import pytest

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")  # where Debian has Postfix, and PATH may not lead


def program(name: str) -> str:
    """The path of a program. Where it is missing the test is skipped; with EVERPOST_NO_SKIP, as in CI, it fails."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS]))
    if path is None:
        missing(f"{name} is not installed; .ci/packages lists the Debian packages that tests start")
    return path


def missing(reason: str) -> NoReturn:
    """A part of the system is not there, or can't be used here."""
    if os.environ.get("EVERPOST_NO_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)
