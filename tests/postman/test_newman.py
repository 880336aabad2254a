"""newman runs the collection against real servers, and all that it asserts holds."""

import asyncio
from collections import defaultdict

import pytest
from collection import chapters, coverage, rendering

from postman import gateway, newman, targets

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run with keys and patience, then another of the same server, behind a gateway; and beside them one without
    keys."""
    newman.install()

    async def with_keys(folder):
        async with targets.with_keys(folder) as variables:
            first = await newman.run(folder, {**variables, "patience": "1"})
            async with gateway.in_front_of(variables["baseUrl"]) as front:
                return first, await newman.run(folder, {**variables, **front})

    async def without_keys(folder):
        async with targets.without_keys(folder) as variables:
            return (await newman.run(folder, variables),)

    async def all_of_them():
        folders = [tmp_path_factory.mktemp(name) for name in ("keys", "dev")]
        return await asyncio.gather(with_keys(folders[0]), without_keys(folders[1]))

    (first, again), (dev,) = asyncio.run(all_of_them())
    return {"with keys": first, "again, behind a gateway": again, "without keys": dev}


@pytest.mark.parametrize("name", ["with keys", "again, behind a gateway", "without keys"])
def test_all_that_is_asserted_holds(runs, name):
    assert not runs[name].failures, "\n".join(runs[name].failures)
    assert runs[name].code == 0


def test_every_answer_that_is_told_as_covered_was_given(runs, operations):
    """By one of the servers. Skipped requests cover nothing."""
    seen = defaultdict(set)
    for run in runs.values():
        for id_, status in run.statuses:
            seen[id_].add(status)
    given = {
        (scenario.operation, status) for id_, scenario in rendering.by_id(operations).items() for status in seen[id_]
    }
    claimed = {(row.operation, row.status) for row in coverage.provoked(list(chapters.scenarios(operations)))}
    assert claimed - given == set()


async def test_an_answer_that_is_not_as_asserted_fails_the_run(tmp_path):
    newman.install()
    async with targets.with_keys(tmp_path) as variables:
        words = ("--folder", "Begin", "--folder", "Vital signs")
        run = await newman.run(tmp_path, {**variables, "adminKey": "revoked", "readKey": "wrong"}, *words)
    assert run.code == 1
    assert "metrics: Figures as OpenMetrics: expected 401 to be one of [ 200 ]" in run.failures
