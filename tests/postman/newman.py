"""newman, as the lock file of postman/ says, and one run of the collection by it."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from system_parts import missing

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "postman" / "everpost.postman_collection.json"
ENVIRONMENT = ROOT / "postman" / "local.postman_environment.json"
PROGRAM = ROOT / ".newman" / "node_modules" / ".bin" / "newman"
INSTALL_WITHIN_S = 300
RUN_WITHIN_S = 300  # it takes 15 s, or 40 with patience, on a machine that has nothing else to do


@dataclass
class Run:
    """What newman tells of a run."""

    code: int
    told: str
    report: Mapping[str, Any]

    @property
    def failures(self) -> list[str]:
        """Assertions that do not hold, and requests or scripts that broke."""
        failures = self.report["run"]["failures"]
        return [f"{each['source'].get('name')}: {each['error']['message']}" for each in failures]

    @property
    def statuses(self) -> list[tuple[str, int]]:
        """The id of each request that was answered, and the status of the answer."""
        executions = self.report["run"]["executions"]
        return [(each["item"]["id"], each["response"]["code"]) for each in executions if "response" in each]


def install() -> None:
    """Below .newman, by npm. Where that can't be had, the test is skipped; as in CI with EVERPOST_NO_SKIP, it fails."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("node and npm are not installed")
    words = ["make", "--silent", "--directory", str(ROOT), ".newman/.installed"]
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=INSTALL_WITHIN_S)
    except (OSError, subprocess.SubprocessError) as error:
        missing(f"newman can't be installed: {getattr(error, 'stderr', None) or error}")


def variables() -> list[str]:
    """What may be told of a server."""
    return [row["key"] for row in json.loads(ENVIRONMENT.read_text())["values"]]


async def run(folder: Path, values: Mapping[str, str], *words: str, within_s: float = RUN_WITHIN_S) -> Run:
    """Runs the collection with these values of the environment's variables. Keys go by a file, not by the command."""
    environment = json.loads(ENVIRONMENT.read_text())
    for row in environment["values"]:
        row["value"] = values.get(row["key"], row["value"])
    given, report = folder / "environment.json", folder / "report.json"
    given.touch(mode=0o600)
    given.write_text(json.dumps(environment))
    command = (str(PROGRAM), "run", str(COLLECTION), "--environment", str(given), "--reporters", "cli,json")
    options = ("--reporter-json-export", str(report), "--timeout-request", "40000", "--disable-unicode")
    process = await asyncio.create_subprocess_exec(
        *command, *options, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(within_s):
            told, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    assert report.exists(), told.decode()[-3000:]
    return Run(process.returncode or 0, told.decode(), json.loads(report.read_text()))
