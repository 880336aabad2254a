"""The wheel is the commit: built twice from fresh clones it is the same bytes, and it holds the files of the tree, all
of them, unchanged, and nothing else that could run."""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chain.lists import NAME, ROOT, uv

OWN_FILES: Final = frozenset({"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"})
"""What a wheel has beside the package (PyPA's binary distribution format)."""


def main(folder: str) -> int:
    faults = build(Path(folder))
    print("\n".join(faults) or "the wheel is that of the commit, byte for byte")
    return 1 if faults else 0


def build(folder: Path) -> list[str]:
    """Leaves the wheel of the commit in `folder`; or what is wrong with it."""
    with tempfile.TemporaryDirectory() as name:
        wheels = [_built(Path(name) / which) for which in ("one", "other")]
        first, second = (wheel.read_bytes() for wheel in wheels)
        if first != second:
            return ["two builds of the commit differ"]
        faults = differences(wheels[0], tree())
        if not faults:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / wheels[0].name).write_bytes(first)
        return faults


def differences(wheel: Path, committed: Mapping[str, bytes]) -> list[str]:
    """What is in the wheel and not in the commit, in the commit and not in the wheel, or not the same."""
    with zipfile.ZipFile(wheel) as archive:
        held = {info.filename: archive.read(info) for info in archive.infolist()}
    about = next(iter(name for name in held if ".dist-info/" in name)).partition("/")[0]
    for name in OWN_FILES:
        held.pop(f"{about}/{name}", None)
    faults = [f"only in the wheel: {path}" for path in sorted(held.keys() - committed.keys())]
    faults += [f"missing in the wheel: {path}" for path in sorted(committed.keys() - held.keys())]
    return faults + [
        f"not as committed: {path}" for path in sorted(held) if held[path] != committed.get(path, held[path])
    ]


def tree() -> dict[str, bytes]:
    """The package as it is committed, by the names that it has in a wheel."""
    paths = _git("ls-tree", "-r", "--name-only", "HEAD", f"src/{NAME}").decode().split("\n")
    return {path.removeprefix("src/"): _git("show", f"HEAD:{path}") for path in paths if path}


def _built(folder: Path) -> Path:
    clone, out = folder / "clone", folder / "out"
    _git("clone", "--quiet", "--no-local", str(ROOT), str(clone))
    _git("-C", str(clone), "checkout", "--quiet", _git("rev-parse", "HEAD").decode().strip())
    committed_at = _git("show", "--no-patch", "--format=%ct", "HEAD").decode().strip()
    # The build backend is the one of uv.lock, installed with its digest; nothing is fetched.
    words = ("--wheel", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(out))
    uv("build", *words, str(clone), SOURCE_DATE_EPOCH=committed_at)
    return next(out.glob("*.whl"))


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout
