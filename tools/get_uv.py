"""Puts uv into a folder, with nothing but the standard library.

Debian's python3 comes without pip and without venv; uv needs neither. The wheel is the one that PyPI names for this
machine, checked against the digest that PyPI states. Usage: python3 tools/get_uv.py FOLDER
"""

import hashlib
import io
import json
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path

VERSION = "0.13.9"
TAGS = {
    ("Linux", "x86_64"): "manylinux_2_17_x86_64",
    ("Linux", "aarch64"): "manylinux_2_17_aarch64",
    ("Darwin", "x86_64"): "macosx_10_12_x86_64",
    ("Darwin", "arm64"): "macosx_11_0_arm64",
}


INDEX = "https://pypi.org/simple/uv/"
JSON = "application/vnd.pypi.simple.v1+json"  # PEP 691


def fetch(url: str, accept: str = "*/*") -> bytes:
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.read()


def main(folder: Path) -> int:
    target = folder / "uv"
    if target.exists():
        return 0
    machine = (platform.system(), platform.machine())
    tag = TAGS.get(machine)
    if tag is None:
        print(f"no wheel of uv is known for {machine}; install uv (https://docs.astral.sh/uv/) and try again")
        return 1
    files = json.loads(fetch(INDEX, JSON))["files"]
    wheel = next(file for file in files if file["filename"].startswith(f"uv-{VERSION}-") and tag in file["filename"])
    data = fetch(wheel["url"])
    if hashlib.sha256(data).hexdigest() != wheel["hashes"]["sha256"]:
        print("the wheel of uv does not have the digest that PyPI states; nothing was installed")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        program = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        part = target.with_suffix(".part")
        part.write_bytes(archive.read(program))
    part.chmod(0o755)
    part.rename(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
