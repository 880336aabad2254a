"""A zip with the functions, for the emulator: it runs them with the Python of the tests, which has what they import."""

import zipfile
from pathlib import Path

from deploy.terraform import ROOT


def built(folder: Path) -> Path:
    path = folder / "functions.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((ROOT / "src").rglob("*.py")):
            archive.write(file, file.relative_to(ROOT / "src"))
    return path
