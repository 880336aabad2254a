"""Accounts, routes and their figures over time."""

from typing import Any, Final

from collection.scenario import Chapter, Key, Need, Scenario

ROUTE: Final = "postman"
"""The route that the collection changes. Routes stay, so each run goes on from the version that it finds."""

VERSION: Final = f'(answer.data.find((each) => each.name === "{ROUTE}") || {{ version: 0 }}).version'
_ETAG: Final = r'^"\d+"$'
_PLACE: Final = {"name": ROUTE}
_SEEN: Final = {"If-Match": '"{{routeVersion}}"'}
_TOP: Final = {"account": "{{firstAccount}}"}
_NEXT: Final = {"account": "{{secondAccount}}"}
_FIRST: Final = "answer.data.find((each) => each.is_default)"
_SECOND: Final = f"answer.data.find((each) => each.provider !== {_FIRST}.provider)"

BEGIN: Final = Chapter(
    name="Begin",
    words="What the run needs to know of the server. Run this first: it begins a new run, with keys of its own.",
    scenarios=(
        Scenario(
            operation="listAccounts",
            name="Which accounts there are",
            status=200,
            before=(
                'pm.collectionVariables.set("run", pm.variables.replaceIn("{{$guid}}"));',
                'pm.collectionVariables.set("begun", Date.now());',
            ),
            checks={"there are accounts at two providers": f"pm.expect({_SECOND}).to.be.an('object');"},
            saves={
                "firstAccount": f"{_FIRST}.name",
                "firstProvider": f"{_FIRST}.provider",
                "secondAccount": f"{_SECOND}.name",
                "secondProvider": f"{_SECOND}.provider",
            },
        ),
    ),
)


def _put(name: str, body: dict[str, Any], **more: Any) -> Scenario:
    return Scenario(operation="putRoute", name=name, places=_PLACE, body=body, **{"headers": _SEEN, **more})


def _faulty(name: str, field: str, body: dict[str, Any]) -> Scenario:
    return _put(name, body, code="validation_failed", fields=(field,))


_ROUTES: Final = (
    Scenario(
        operation="listRoutes",
        name="All routes, with their versions",
        status=200,
        tells={"next_cursor": None},
        checks={"one is the default": 'pm.expect(answer.data.map((each) => each.name)).to.include("default");'},
        saves={"routeVersion": VERSION},
    ),
    Scenario(
        operation="getRoute",
        name="The default route and its ETag",
        places={"name": "default"},
        status=200,
        tells={"name": "default"},
        answers={"ETag": _ETAG},
        checks={
            "the ETag is the version": 'pm.expect(pm.response.headers.get("ETag")).to.eql(`"${answer.version}"`);',
            "the first account is the default": "pm.expect(answer.default).to.eql(answer.accounts[0].account);",
        },
    ),
    Scenario(operation="getRoute", name="A route that nobody has made", places={"name": "x"}, code="unknown_route"),
    _put(
        "A route is made or changed, by its version",
        {"accounts": [_TOP], "on_unknown": "hold", "resolve_within_s": 60, "name": ROUTE, "reason": "a test"},
        status=200,
        answers={"ETag": _ETAG},
        tells={"name": ROUTE, "default": "{{firstAccount}}", "on_unknown": "hold", "resolve_within_s": 60},
    ),
    _put("The same version again", {"accounts": [_TOP]}, code="version_conflict"),
    _put(
        "A version that is long gone, in the body",
        {"accounts": [_TOP], "version": 0},
        headers={},
        code="version_conflict",
    ),
    _put("No version", {"accounts": [_TOP]}, headers={}, code="version_required"),
    _put("Two versions that differ", {"accounts": [_TOP], "version": 999_999}, code="bad_header"),
    _faulty("An account that is not there", "accounts[1].account", {"accounts": [_TOP, {"account": "nobody"}]}),
    _faulty("The same account twice", "accounts", {"accounts": [_TOP, _TOP]}),
    _faulty("No account", "accounts", {"accounts": []}),
    _faulty("A default that is not the first", "default", {"accounts": [_TOP, _NEXT], "default": "{{secondAccount}}"}),
    _faulty("The name of another route", "name", {"accounts": [_TOP], "name": "another"}),
    _faulty("A negative weight", "accounts[0].weight", {"accounts": [{"account": "{{firstAccount}}", "weight": -1}]}),
    _faulty("A mail that never expires", "give_up_after_s", {"accounts": [_TOP], "give_up_after_s": 0}),
)

_AT_SECOND: Final = {"name": "{{secondAccount}}"}
_WHY: Final = {"reason": "a test of the API"}


def _turned(operation: str, name: str, *, paused: bool) -> Scenario:
    its_places = "answer.data.flatMap((each) => each.accounts).filter((each) => each.account === pm.variables.get("
    return Scenario(
        operation=operation,
        name=name,
        places=_AT_SECOND,
        body=_WHY,
        status=200,
        checks={
            "on every route that names it": f'{its_places}"secondAccount"))'
            f".forEach((each) => pm.expect(each.paused).to.eql({str(paused).lower()}));"
        },
    )


def _of_account(operation: str) -> tuple[Scenario, ...]:
    """What is refused of whatever is done to an account."""
    return (
        Scenario(
            operation=operation, name="Nobody's account", places={"name": "nobody"}, body=_WHY, code="unknown_account"
        ),
        Scenario(
            operation=operation,
            name="An empty reason",
            places=_AT_SECOND,
            body={"reason": ""},
            code="validation_failed",
            fields=("reason",),
        ),
    )


_TURNS: Final = (
    _turned("pauseAccount", "An account rests", paused=True),
    *_of_account("pauseAccount"),
    _turned("resumeAccount", "It is back", paused=False),
    *_of_account("resumeAccount"),
    Scenario(
        operation="probeAccount",
        name="Its provider is asked something that sends nothing",
        places=_AT_SECOND,
        body=_WHY,
        status=200,
        tells={"account": "{{secondAccount}}", "verdict": "works"},
    ),
    *_of_account("probeAccount"),
)


def _sketch(name: str, **more: Any) -> Scenario:
    usual = {"from": "ann@example.com", "to": ["bob@example.org"], "size_bytes": 48_000} | more.pop("changed", {})
    return Scenario(operation="explainRoute", name=name, body=usual, **({"places": {"name": "default"}} | more))


_EXPLAINED: Final = (
    _sketch(
        "Where a mail would go",
        status=200,
        tells={"route": "default", "prospect": "sent"},
        checks={"every account has its reason": "answer.accounts.forEach((each) => pm.expect(each.reason).to.be.ok);"},
    ),
    _sketch(
        "A mail that is too large for all of them",
        changed={"size_bytes": 1_000_000_000},
        status=200,
        tells={"prospect": "refused", "account": None},
    ),
    _sketch("On a route that nobody has made", places={"name": "x"}, code="unknown_route"),
    _sketch("To nobody", changed={"to": []}, code="validation_failed", fields=("to",)),
    _sketch("Less than nothing", changed={"size_bytes": -1}, code="validation_failed", fields=("size_bytes",)),
)

_ACCOUNTS: Final = (
    Scenario(
        operation="listAccounts",
        name="With the key as password of HTTP Basic",
        key=Key.PASSWORD,
        needs=(Need.KEYS,),
        status=200,
        checks={
            "one of them goes first": "pm.expect(answer.data.filter((each) => each.is_default)).to.have.lengthOf(1);"
        },
    ),
)

_SERIES: Final = (
    Scenario(
        operation="getSeries",
        name="What the last quarter of an hour was like",
        query=(("range", "15m"),),
        status=200,
        tells={"range": "15m", "bucket_s": 60},
        checks={
            "there is a value for each minute": "pm.expect(answer.totals.accepted).to.have.lengthOf(15);"
            " pm.expect(answer.queue_age_s).to.have.lengthOf(15);",
        },
    ),
    Scenario(
        operation="getSeries",
        name="A range that nobody keeps",
        query=(("range", "1y"),),
        code="bad_parameter",
        fields=("range",),
    ),
)

CHAPTER: Final = Chapter(
    name="Accounts and routes",
    words="Which accounts carry the mail, in which order, and how they did.",
    scenarios=(*_ACCOUNTS, *_ROUTES, *_TURNS, *_EXPLAINED, *_SERIES),
)
