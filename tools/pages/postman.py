"""postman.md: the collection, how it is run, and what it covers."""

from collections import Counter, defaultdict
from typing import Final

from collection import chapters, contract, coverage, rendering
from pages import api, markdown

_COLLECTION: Final = "[the collection](../../postman/everpost.postman_collection.json)"
_ENVIRONMENT: Final = "[the environment](../../postman/local.postman_environment.json)"
_WHAT: Final = """For every operation what it does and what it refuses, with assertions; and every answer is held \
against the OpenAPI document: its status, content type, body, and the code of a problem. It is made from that document \
and from the scenarios below `tools/collection`; change those, not the file.

It sends mail and changes routes. Run it against the sandbox, never against a server that people depend on."""
_IN_POSTMAN: Final = f"""## In Postman

Import {_COLLECTION} and {_ENVIRONMENT}, start `make run`, and run the whole collection in order: the folder *Begin* \
starts a new run, with idempotency keys of its own, and later requests use what earlier ones have made. What the \
environment has no value for is skipped."""
_BY_NEWMAN: Final = """## From the command line

newman runs it, in the version of postman/package-lock.json; it needs node and npm.

```
make postman                # starts a server with keys, and a sandbox whose providers can fail
make postman PATIENCE=1     # 25 s longer: what happens when no provider takes a mail in time
make postman BASE_URL=https://api.example.com/dev GATEWAY=1 ADMIN_KEY=… SEND_KEY=… READ_KEY=… CONTROL_URL=…
```

Every variable of the environment can be given so, its name in capitals. The server needs accounts at two providers. \
For providers that fail, they must lead to a sandbox (`everpost sandbox`) with the control address `CONTROL_URL`. \
Without keys, as `everpost dev` runs, all that is about keys is skipped."""


def page() -> str:
    variables = [(markdown.code(key), value and markdown.code(value), words) for key, value, words in _variables()]
    return markdown.page(
        "Postman collection",
        _WHAT,
        _IN_POSTMAN,
        markdown.table(("variable", "default", "meaning"), variables),
        _BY_NEWMAN,
        "## What it covers",
        "Every documented answer is provoked but those in the last column.",
        _covered(),
        "Why these are left out:",
        _left_out(),
    )


def _variables() -> list[tuple[str, str, str]]:
    return [(key, value, words) for key, (value, words) in rendering.ENVIRONMENT.items()]


def _covered() -> str:
    known = contract.operations(api.document())
    scenarios = [scenario for scenario in chapters.scenarios(known) if scenario.operation]
    count = Counter(scenario.operation for scenario in scenarios)
    statuses, left = defaultdict[str, set[int]](set), defaultdict[str, list[str]](list)
    for row in coverage.provoked(scenarios):
        statuses[row.operation].add(row.status)
    for row in coverage.documented(known):
        if coverage.excuse(row):
            left[row.operation].append(f"{row.status} {markdown.code(row.code)}")
    rows = [
        (markdown.code(name), str(count[name]), ", ".join(map(str, sorted(statuses[name]))), ", ".join(left[name]))
        for name in known
    ]
    return markdown.table(("operation", "scenarios", "statuses", "left out"), rows)


def _left_out() -> str:
    rows = [
        (markdown.code(code), "" if name == coverage.ANY else markdown.code(name), markdown.sentence(why))
        for (name, code), why in coverage.EXCEPTIONS.items()
    ]
    return markdown.table(("code", "of", "why"), rows)
