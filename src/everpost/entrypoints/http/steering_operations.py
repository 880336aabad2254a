"""The operations on accounts, routes and their figures."""

from typing import Any, Final

from everpost.dialects.native import account_views as views
from everpost.dialects.native.schema import ExplainRequest, ReasonRequest, RouteRequest
from everpost.dialects.native.series import SeriesView
from everpost.entrypoints.http import steering
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.query import Parameter
from everpost.model.key import Scope
from everpost.model.series import Range

_VERSION: Final = {"type": "string", "pattern": '^(W/)?"[0-9]{1,18}"$'}
_ETAG: Final = {"ETag": "The version; send it as If-Match with a change."}
_RANGE: Final = {"type": "string", "enum": [each.value for each in Range], "default": Range.HOUR.value}
_ROUTES_NOW: Final = Answer(status=200, description="The routes that name it, as they are now.", schema=views.RoutePage)


def _operation(id_: str, method: str, path: str, **fields: Any) -> Operation:
    return Operation(id=id_, method=method, path=path, tag="Accounts and routes", **{"scope": Scope.ADMIN, **fields})


def _account_operation(
    verb: str, summary: str, description: str, more_problems: tuple[str, ...] = (), **fields: Any
) -> Operation:
    """What is done to one account, with a reason that is told in the event of it."""
    return _operation(
        f"{verb}Account",
        "POST",
        f"/v1/accounts/{{name}}/{verb}",
        summary=summary,
        description=description,
        body=ReasonRequest,
        body_required=False,
        problems=("unknown_account", *more_problems),
        **fields,
    )


STEERING: Final = (
    _operation(
        "listAccounts",
        "GET",
        "/v1/accounts",
        summary="Accounts: health, circuit, quota left, last error",
        handle=steering.list_accounts,
        scope=Scope.READ,
        answers=(Answer(status=200, description="All accounts.", schema=views.AccountPage),),
    ),
    _account_operation(
        "probe",
        "Ask its provider something that sends nothing",
        "The answer tells whether the provider can be reached, and takes the credentials. It takes at most 20 seconds, "
        "changes nothing, and leaves the circuit as it is: a key that may read proves nothing of one that may send.",
        handle=steering.probe_account,
        example={"reason": "the key was rotated"},
        answers=(Answer(status=200, description="What came of it.", schema=views.ProbeView),),
    ),
    _account_operation(
        "pause",
        "Take an account out of all routes",
        "It keeps its places, and takes no new mail. Mail that its provider has, or may have, stays where it is.",
        handle=steering.pause_account,
        example={"reason": "they have maintenance until 9"},
        answers=(_ROUTES_NOW,),
        more_problems=("version_conflict",),
    ),
    _account_operation(
        "resume",
        "Put an account back into its places",
        "On all routes that name it.",
        handle=steering.resume_account,
        example={"reason": "their maintenance is over"},
        answers=(_ROUTES_NOW,),
        more_problems=("version_conflict",),
    ),
    _operation(
        "listRoutes",
        "GET",
        "/v1/routes",
        summary="Routes",
        handle=steering.list_routes,
        scope=Scope.READ,
        answers=(Answer(status=200, description="All routes.", schema=views.RoutePage),),
    ),
    _operation(
        "getRoute",
        "GET",
        "/v1/routes/{name}",
        summary="One route",
        handle=steering.get_route,
        scope=Scope.READ,
        answers=(Answer(status=200, description="The route.", schema=views.RouteView, headers=_ETAG),),
        problems=("unknown_route",),
    ),
    _operation(
        "putRoute",
        "PUT",
        "/v1/routes/{name}",
        summary="Change or make a route",
        description="Needs the version that you have read (0 for a new route), so that no change of others is lost.",
        handle=steering.put_route,
        headers=(Parameter("If-Match", 'The ETag that was read, as in `"3"`.', _VERSION),),
        body=RouteRequest,
        example={"accounts": [{"account": "first"}, {"account": "second"}], "version": 0, "reason": "first is cheaper"},
        answers=(Answer(status=200, description="As it is now.", schema=views.RouteView, headers=_ETAG),),
        problems=("bad_header", "version_required", "version_conflict"),
    ),
    _operation(
        "explainRoute",
        "POST",
        "/v1/routes/{name}/explain",
        summary="Where a mail would go, and why",
        description="Decided as for real mail, and by the same code. Nothing is stored, charged or asked of anybody.",
        handle=steering.explain_route,
        scope=Scope.READ,
        body=ExplainRequest,
        example={"from": "ann@example.com", "to": ["bob@example.org"], "size_bytes": 48_000, "tags": ["invoice"]},
        answers=(Answer(status=200, description="As things are now.", schema=views.ExplanationView),),
        problems=("unknown_route",),
    ),
    _operation(
        "getSeries",
        "GET",
        "/v1/series",
        summary="Figures over time: what each account did",
        description="Of the project alone, but for the circuits and the queue, which all projects share. They are "
        "counted as things happen and show within seconds; reading them costs the same however much mail there is.",
        handle=steering.get_series,
        scope=Scope.READ,
        query=(Parameter("range", "How far back from now.", _RANGE),),
        answers=(Answer(status=200, description="The figures.", schema=SeriesView),),
        problems=("bad_parameter",),
    ),
)
