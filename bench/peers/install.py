"""What the peers need, installed below bench/out. Where that can't be done, the reason is told instead."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OUT = HERE.parent / "out" / "peers"
INSTALL_WITHIN_S = 300


class Unavailable(Exception):
    """A peer can't be measured here; says why."""


def venv(name: str = "venv", wanted: Path = HERE / "requirements.txt", *options: str) -> Path:
    """The folder of the programs of a virtual environment that holds what `wanted` lists."""
    folder = OUT / name
    uv = shutil.which("uv") or str(ROOT / ".uv" / "uv")
    _once(
        folder,
        wanted,
        [uv, "venv", "--quiet", "--clear", folder],
        [uv, "pip", "install", "--quiet", *options, "--python", folder / "bin" / "python", "--requirement", wanted],
    )
    return folder / "bin"


def node() -> Path:
    """The folder whose node_modules holds package.json."""
    folder, wanted = OUT / "node", HERE / "node" / "package.json"
    program("node")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, folder)
    _once(folder, wanted, [program("npm"), "install", "--silent", "--no-audit", "--prefix", folder])
    return folder


def program(name: str, package: str = "") -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise Unavailable(f"{name} is not installed" + (f" (Debian: apt-get install {package})" if package else ""))
    return found


def _once(folder: Path, wanted: Path, *commands: list[str | Path]) -> None:
    mark, digest = folder / ".installed", hashlib.sha256(wanted.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    OUT.mkdir(parents=True, exist_ok=True)
    for command in commands:
        try:
            subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=INSTALL_WITHIN_S)
        except (OSError, subprocess.SubprocessError) as error:
            told = getattr(error, "stderr", None) or str(error).encode()
            raise Unavailable(f"can't be installed: {told.decode(errors='replace').strip()[-200:]}") from None
    mark.write_text(digest)
