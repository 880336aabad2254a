"""The operations on accounts, routes, suppressions and recipients, and the vital signs."""

from typing import Any, Final, NotRequired, TypedDict

from everpost.dialects import native_views
from everpost.dialects.native_schema import ErasureRequest, RouteRequest, SuppressionRequest
from everpost.entrypoints.http import operate, vitals
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.query import Parameter
from everpost.model.key import Scope

_VERSION: Final = {"type": "string", "pattern": '^(W/)?"[0-9]{1,18}"$'}
_ETAG: Final = {"ETag": "The version; send it as If-Match with a change."}
_SUPPRESSION: Final = "/v1/suppressions/{address:path}"  # the local part of an address may hold a slash
_ADDRESS: Final = {"address": {"type": "string", "format": "email"}}


class HealthView(TypedDict):
    status: str
    version: NotRequired[str]


OPERATE: Final = (
    Operation(
        id="listAccounts",
        method="GET",
        path="/v1/accounts",
        tag="Accounts and routes",
        summary="Accounts: health, circuit, quota left, last error",
        handle=operate.list_accounts,
        scope=Scope.READ,
        answers=(Answer(status=200, description="All accounts.", schema=native_views.AccountPage),),
    ),
    Operation(
        id="listRoutes",
        method="GET",
        path="/v1/routes",
        tag="Accounts and routes",
        summary="Routes",
        handle=operate.list_routes,
        scope=Scope.READ,
        answers=(Answer(status=200, description="All routes.", schema=native_views.RoutePage),),
    ),
    Operation(
        id="getRoute",
        method="GET",
        path="/v1/routes/{name}",
        tag="Accounts and routes",
        summary="One route",
        handle=operate.get_route,
        scope=Scope.READ,
        answers=(Answer(status=200, description="The route.", schema=native_views.RouteView, headers=_ETAG),),
        problems=("unknown_route",),
    ),
    Operation(
        id="putRoute",
        method="PUT",
        path="/v1/routes/{name}",
        tag="Accounts and routes",
        summary="Change or make a route",
        description="Needs the version that you have read (0 for a new route), so that no change of others is lost.",
        handle=operate.put_route,
        scope=Scope.ADMIN,
        headers=(Parameter("If-Match", 'The ETag that was read, as in `"3"`.', _VERSION),),
        body=RouteRequest,
        example={"accounts": [{"account": "first"}, {"account": "second"}], "version": 0},
        answers=(Answer(status=200, description="As it is now.", schema=native_views.RouteView, headers=_ETAG),),
        problems=(
            "bad_json",
            "body_too_large",
            "bad_header",
            "validation_failed",
            "version_required",
            "version_conflict",
        ),
    ),
    Operation(
        id="getSuppression",
        method="GET",
        path=_SUPPRESSION,
        places=_ADDRESS,
        tag="Suppressions",
        summary="Whether an address must not be written to",
        handle=operate.get_suppression,
        scope=Scope.READ,
        answers=(Answer(status=200, description="It must not.", schema=native_views.SuppressionView),),
        problems=("not_found", "validation_failed"),
    ),
    Operation(
        id="putSuppression",
        method="PUT",
        path=_SUPPRESSION,
        places=_ADDRESS,
        tag="Suppressions",
        summary="Stop all mail to an address",
        handle=operate.put_suppression,
        scope=Scope.ADMIN,
        body=SuppressionRequest,
        body_required=False,
        example={"reason": "asked by phone"},
        answers=(Answer(status=200, description="From now on.", schema=native_views.SuppressionView),),
        problems=("bad_json", "body_too_large", "validation_failed"),
    ),
    Operation(
        id="deleteSuppression",
        method="DELETE",
        path=_SUPPRESSION,
        places=_ADDRESS,
        tag="Suppressions",
        summary="Allow mail to an address again",
        handle=operate.delete_suppression,
        scope=Scope.ADMIN,
        answers=(Answer(status=204, description="It is not suppressed."),),
        problems=("validation_failed",),
    ),
    Operation(
        id="eraseRecipient",
        method="POST",
        path="/v1/recipients/erase",
        tag="Suppressions",
        summary="Take a recipient out of all mails",
        description="In every mail of the project a token stands in the place of the address, for good. The content of "
        "these mails goes, and so does their metadata; other recipients, states and counts stay, and a suppression "
        "still holds. Mail queued for the recipient alone is cancelled first. After an interruption, repeat it.",
        handle=operate.erase_recipient,
        scope=Scope.ADMIN,
        body=ErasureRequest,
        example={"address": "bob@example.org", "dry_run": True},
        answers=(Answer(status=200, description="Done, or counted.", schema=native_views.ErasureView),),
        problems=("bad_json", "body_too_large", "validation_failed", "recipient_busy"),
    ),
)


def _vital(id_: str, summary: str, answer: Answer, **fields: Any) -> Operation:
    path = "/" + id_
    return Operation(id=id_, method="GET", path=path, tag="Vital signs", summary=summary, answers=(answer,), **fields)


VITALS: Final = (
    _vital(
        "healthz",
        "Whether the process lives",
        Answer(status=200, description="It does.", schema=HealthView),
        handle=vitals.healthz,
        scope=None,
    ),
    _vital(
        "livez",
        "The same, under the name that workers have for it",
        Answer(status=200, description="It does.", schema=HealthView),
        handle=vitals.healthz,
        scope=None,
    ),
    _vital(
        "readyz",
        "Whether mail can be accepted",
        Answer(status=200, description="It can.", schema=HealthView),
        handle=vitals.readyz,
        scope=None,
    ),
    _vital(
        "metrics",
        "Figures in OpenMetrics text",
        Answer(status=200, description="The figures.", content_type=vitals.OPEN_METRICS),
        handle=vitals.metrics,
        scope=Scope.READ,
        is_traced=False,
    ),
)
