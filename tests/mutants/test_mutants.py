import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from mutants.mutation import NOTICED, REPOSITORY, Mutant, catalogue, run_tests

pytestmark = pytest.mark.timeout(600)  # whoever waits for a run waits for those before it, too
MUTANTS = catalogue()
MUTANTS_MIN = 40

Run = Future[subprocess.CompletedProcess[str]]


def test_the_catalogue_is_large_and_each_mutant_changes_the_code() -> None:
    assert len(MUTANTS) >= MUTANTS_MIN
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert mutant.mutated()
        assert mutant.was != mutant.becomes


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """Of the mutants that were asked for, by name: each is a process of its own, so as many run as there are cores."""
    chosen = [item.callspec.params.get("mutant") for item in request.session.items if hasattr(item, "callspec")]
    asked = [mutant for mutant in chosen if isinstance(mutant, Mutant)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {mutant.name: pool.submit(run_tests, mutant, tmp_path_factory.mktemp("mutant")) for mutant in asked}
        pool.shutdown(cancel_futures=True)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_the_suite_notices_that(mutant: Mutant, runs: dict[str, Run]) -> None:
    run = runs[mutant.name].result()
    assert run.returncode == NOTICED, run.stdout[-2000:] + run.stderr[-2000:]
    told = run.stdout.rstrip().rpartition("\n")[2]
    assert " failed" in told, f"no test has failed, none could begin: {told}"


@pytest.mark.slow
def test_the_suite_is_green_over_a_copy_without_a_change(tmp_path: Path) -> None:
    """Else a mutant could be noticed for being a copy, not for its change."""
    tests = tuple(sorted({path for mutant in MUTANTS for path in mutant.tests if path.startswith("tests/core")}))
    unchanged = Mutant(name="none", file="core/retry.py", was="2.0", becomes="2.0", tests=tests)
    run = run_tests(unchanged, tmp_path)
    assert run.returncode == 0, run.stdout[-2000:]


def test_a_mutant_is_what_its_tests_import(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import everpost; print(everpost.__file__)"]
    (tmp_path / "everpost").mkdir()
    (tmp_path / "everpost" / "__init__.py").write_text("")
    told = subprocess.run(
        words, cwd=REPOSITORY, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert Path(told.stdout.strip()).parent == tmp_path / "everpost"
