"""Everpost, broken on purpose: one place of its code changed, and the tests that must notice."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "src"
NOTICED = 1  # pytest's exit status: tests ran, and some failed
HANGS_S = 90  # a mutant whose test takes so long is one that makes it wait for ever
PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin")
"""What the tests of mutants need. Others that are installed cost each of the many runs more than its tests do."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`was` stands once in `file` (below src/everpost) and is replaced by `becomes`."""

    name: str
    file: str
    was: str
    becomes: str
    tests: tuple[str, ...]

    def mutated(self) -> str:
        """The whole file; raises ValueError if the place can't be found any more."""
        code = (SOURCES / "everpost" / self.file).read_text()
        if code.count(self.was) != 1:
            raise ValueError(f"{self.file} holds {code.count(self.was)} times, not once: {self.was!r}")
        return code.replace(self.was, self.becomes)


def catalogue() -> list[Mutant]:
    tables = [tomllib.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("*.toml"))]
    rows = [row for table in tables for row in table["mutant"]]
    return [Mutant(**{**row, "tests": tuple(row["tests"])}) for row in rows]


def run_tests(mutant: Mutant, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the mutant's tests against a copy of the sources in `folder` that holds its change."""
    sources = folder / "src"
    shutil.copytree(SOURCES, sources)  # with its bytecode, which is good for all files but the changed one
    (sources / "everpost" / mutant.file).write_text(mutant.mutated())
    plugins = [word for name in ("no:cacheprovider", *PLUGINS) for word in ("-p", name)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-qx", "--tb=line", f"--timeout={HANGS_S}", *plugins, *mutant.tests],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(sources), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
