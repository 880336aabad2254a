"""The distributions of the core install, out of uv.lock: whatever is installed by `pip install everpost`, on any system
and any Python that it runs on."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "proof" / "supply-chain.md"
NAME: Final = "everpost"
BEGIN: Final = "<!-- Made by `make docs` from uv.lock: change that, not these lines. -->\n"
END: Final = "<!-- The end of what is made. -->\n"
LICENSES: Final[Mapping[str, str]] = {
    "aiosmtpd": "Apache-2.0",
    "apsw": "any license of the OSI",
    "atpublic": "Apache-2.0",
    "email-validator": "Unlicense",
    "h11": "MIT",
    "tzdata": "Apache-2.0",
    "uvloop": "Apache-2.0 OR MIT",
}
"""Where the distribution itself says it in an older way than SPDX (PEP 639)."""


def uv(*words: str, **environ: str) -> str:
    """What uv prints."""
    program = shutil.which("uv") or str(ROOT / ".uv" / "uv")
    told = os.environ | {"UV_NATIVE_TLS": "1"} | environ
    done = subprocess.run([program, *words], cwd=ROOT, env=told, capture_output=True, text=True, check=True)
    return done.stdout


def locked() -> dict[str, Mapping[str, Any]]:
    return {package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}


def runtime(extras: Iterable[str] = ()) -> dict[str, Mapping[str, Any]]:
    """Everything that is reached from Everpost without a group, and by these extras alone."""
    packages, found = locked(), dict[str, Mapping[str, Any]]()
    waiting = _needs(packages[NAME])
    for extra in extras:
        waiting += [each["name"] for each in packages[NAME]["optional-dependencies"][extra]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = packages[name]
            waiting += _needs(packages[name])
    return dict(sorted(found.items()))


def _needs(package: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in package.get("dependencies", ())]


def license_of(name: str) -> str:
    told = importlib.metadata.metadata(name).get("License-Expression")
    return told or LICENSES[name]


def bytes_of(names: Iterable[str]) -> int:
    """What the installed distributions take, without what Python compiles."""
    return sum(
        file.size or 0
        for name in names
        for file in importlib.metadata.files(name) or ()
        if not file.name.endswith(".pyc")
    )


# --- for people ------------------------------------------------------------------------------------------------------


def table() -> str:
    direct = _needs(locked()[NAME])
    rows = [
        f"| {name} | {package['version']} | {license_of(name)} | {'Everpost' if name in direct else _by(name)} |"
        for name, package in runtime().items()
    ]
    return "\n".join(["| distribution | locked | license | needed by |", "|---|---|---|---|", *rows, ""])


def _by(name: str) -> str:
    return ", ".join(other for other, package in runtime().items() if name in _needs(package))


def with_table(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


# --- for programs ----------------------------------------------------------------------------------------------------


def requirements(extras: Iterable[str] = ()) -> str:
    """As pip reads them, each with the digests of its files; those of these extras with them."""
    wanted = [word for extra in extras for word in ("--extra", extra)]
    words = ("--frozen", "--no-default-groups", "--no-emit-project", "--no-header", "--format", "requirements-txt")
    return uv("export", *words, *wanted)


def sbom() -> str:
    """CycloneDX, with licenses; the same text for the same lock."""
    words = ("--format", "cyclonedx1.5", "--preview-features", "sbom-export")
    bom = json.loads(uv("export", "--frozen", "--no-default-groups", *words))
    del bom["serialNumber"], bom["metadata"]["timestamp"]  # of the moment, not of the product
    names = runtime().keys()
    for component in bom["components"]:
        if component["name"] in names:
            component["licenses"] = [_license(license_of(component["name"]))]
    return json.dumps(bom, indent=2, sort_keys=True) + "\n"


def _license(told: str) -> Mapping[str, Any]:
    if re.search(" (OR|AND) ", told):
        return {"expression": told}
    return {"license": {"name": told} if " " in told else {"id": told}}
