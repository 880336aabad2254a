"""The zip with the functions, as `make lambda` builds it, but for the Python that runs these tests and the emulator."""

import sys
from pathlib import Path

from deploy.terraform import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import lambda_zip


def built(folder: Path) -> Path:
    path = folder / "functions.zip"
    lambda_zip.build(path, "x86_64", f"{sys.version_info.major}.{sys.version_info.minor}", sys.executable)
    return path
