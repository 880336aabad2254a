"""The vital signs."""

from typing import Any, Final, NotRequired, TypedDict

from everpost.entrypoints.http import vitals
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.model.key import Scope


class HealthView(TypedDict):
    status: str
    version: NotRequired[str]


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
