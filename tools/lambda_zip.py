"""The zip that Lambda runs: the package and what its functions import, for one architecture and one version of Python.

    python tools/lambda_zip.py dist/lambda-arm64.zip --arch arm64 --python 3.13

With `--hooks` it is the zip of the function hooks, which may have to check signatures by public key: the library for
that is twice as large as all the rest, so the others go without.

The same commit and lock give the same bytes: files are sorted, their times fixed, and wheels are those whose digests
stand in uv.lock. Bytecode comes along, since Lambda's folder is read-only and each cold start would compile anew; it is
made by a Python of that version, where this machine has one.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from chain.lists import ROOT, requirements, uv

PLATFORMS: Final = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
PYTHONS: Final = ("3.11", "3.12", "3.13")
NEEDED: Final = frozenset({"email-validator", "httptools", "idna", "msgspec", "tzdata"})
"""Of the locked distributions. Left out: the server's (uvicorn, uvloop, prometheus-client and what they need), SQLite
(apsw), the sandbox's (aiosmtpd), and dnspython, which email-validator imports only to ask the DNS."""

OF_HOOKS: Final = frozenset({"cffi", "cryptography"})
"""Of the extra `webhooks`. pycparser is left out: cffi needs it to compile, not to run."""

NOT_OF_FUNCTIONS: Final = re.compile(
    r"everpost/((client|sandbox)/|dialects/(mailgun|sendgrid)\.py"
    r"|entrypoints/((cli|dev|metrics|smtp)/|(laptop|processes|server)\.py)"
    r"|entrypoints/http/(pouring|protocol|punctuality|soundness)\.py"
    r"|store/(sqlite/|memory\.py)|health/(sqlite|memory)\.py|attachments/memory\.py"
    r"|sinks/(file|lines|stdout)\.py)"
)
NOT_TO_RUN: Final = re.compile(
    r"(^|/)(__pycache__|tests)/|\.(pyi|pyx|pxd|c|h|pyc)$|^bin/|\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_)"
    r"|(^|/)py\.typed$|^\.lock$"
)
TIME: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell
_COMPILE: Final = """
import compileall, py_compile, sys
assert sys.version.startswith("{python}."), "this is Python " + sys.version
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # by no time of a file, of which there is none in the zip
sys.exit(not compileall.compile_dir(".", quiet=1, workers=1, invalidation_mode=mode))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the zip of the Lambda functions.")
    parser.add_argument("zip", type=Path)
    parser.add_argument("--arch", choices=PLATFORMS, default="arm64")
    parser.add_argument("--python", choices=PYTHONS, default="3.13", help="the runtime: python3.13")
    parser.add_argument("--hooks", action="store_true", help="of the function hooks, with the extra `webhooks`")
    parser.add_argument("--interpreter", help="a Python of that version (default: one that uv finds)")
    args = parser.parse_args()
    needed = NEEDED | OF_HOOKS if args.hooks else NEEDED
    compiled = build(args.zip, args.arch, args.python, args.interpreter, needed)
    if not compiled:
        print(f"no Python {args.python} is here, so no bytecode: a cold start takes twice as long", file=sys.stderr)
    print(f"{args.zip}: {args.zip.stat().st_size / 1e6:.2f} MB for {args.arch}, Python {args.python}")
    return 0


def build(
    target: Path, arch: str, python: str, interpreter: str | None = None, needed: Collection[str] = NEEDED
) -> bool:
    """Whether bytecode could be made."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _install(folder, arch, python, needed)
        shutil.copytree(ROOT / "src" / "everpost", folder / "everpost")
        _clean(folder)
        compiled = _compile(folder, python, interpreter)
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(folder, target)
    return compiled


def wanted(needed: Collection[str] = NEEDED) -> str:
    """The locked versions of what functions need, with the digests of their files."""
    entries = re.split(r"\n(?=\S)", requirements(("webhooks",)))
    return "\n".join(entry for entry in entries if entry.partition("==")[0] in needed) + "\n"


def _install(folder: Path, arch: str, python: str, needed: Collection[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(wanted(needed))
        file.flush()
        words = ("--target", str(folder), "--python-platform", PLATFORMS[arch], "--python-version", python)
        uv(
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            *words,
            "-r",
            file.name,
        )


def _clean(folder: Path) -> None:
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if NOT_OF_FUNCTIONS.match(name) or NOT_TO_RUN.search(name):
            path.unlink()


def _compile(folder: Path, python: str, interpreter: str | None) -> bool:
    program = interpreter or _found(python)
    if program is None:
        return False
    subprocess.run([program, "-I", "-c", _COMPILE.format(python=python)], cwd=folder, check=True)
    return True


def _found(python: str) -> str | None:
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    try:
        return uv("python", "find", "--no-project", "--no-python-downloads", python).strip()
    except subprocess.CalledProcessError:
        return None


def _write(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in _files(folder)):
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, whatever builds it
            info.external_attr = (0o100755 if path.suffix == ".so" else 0o100644) << 16
            archive.writestr(info, path.read_bytes())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in list(folder.rglob("*")) if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
