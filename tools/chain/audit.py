"""Known vulnerabilities of what is locked, by pip-audit. A service that does not answer is told, and is no success:
the exit code is 0 where all were looked up and none is known, 1 where one is, and 3 where nobody could tell."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from chain.lists import requirements

SERVICES: Final = ("osv", "pypi")
UNKNOWN: Final = 3


def main() -> int:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements())
        file.flush()
        for service in SERVICES:
            if (looked_up := _asked(service, Path(file.name))) is not None:
                return told(service, looked_up)
    print(f"NOT AUDITED: neither of {', '.join(SERVICES)} answers from here")
    return UNKNOWN


def told(service: str, looked_up: list[dict[str, Any]]) -> int:
    skipped = [each["name"] for each in looked_up if "skip_reason" in each]
    known = [(each["name"], fault["id"]) for each in looked_up for fault in each.get("vulns", ())]
    for name, fault in known:
        print(f"VULNERABLE: {name} has {fault}")
    if skipped:
        print(f"NOT AUDITED: {service} knows nothing of {', '.join(skipped)}")
    if not known and not skipped:
        print(f"{len(looked_up)} distributions, no known vulnerability ({service})")
    return 1 if known else UNKNOWN if skipped else 0


def _asked(service: str, file: Path) -> list[dict[str, Any]] | None:
    """What a service says of each distribution; None: it does not answer."""
    words = ("--requirement", str(file), "--require-hashes", "--disable-pip", "--progress-spinner", "off")
    program = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--format", "json", *words]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found if any("skip_reason" not in each for each in found) else None
