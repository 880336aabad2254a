"""Who calls, and what of this API they may use: a client that shows only what works asks once."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypedDict

from msgspec import Meta

from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.model.key import Scope


class WhoamiView(TypedDict):
    who: Annotated[str, Meta(description="The id of the key; `local` where none is needed.")]
    project: str
    scope: Scope
    operations: Annotated[
        Mapping[str, bool],
        Meta(description="All that this API offers to keys, by operation id: whether this key may use it."),
    ]


class Whoami:
    """Tells of the given operations and of its own."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operation = Operation(
            id="whoami",
            method="GET",
            path="/v1/whoami",
            tag="Vital signs",
            summary="Who calls, and what they may do here",
            handle=self._answer,
            scope=Scope.READ,
            answers=(Answer(status=200, description="The caller.", schema=WhoamiView),),
        )
        self._scopes = {each.id: each.scope for each in (*operations, self.operation) if each.scope is not None}

    async def _answer(self, call: Call) -> Reply:
        caller = call.caller
        may = {id_: caller.may(scope) for id_, scope in self._scopes.items()}
        return json(200, WhoamiView(who=caller.who, project=caller.project, scope=caller.scope, operations=may))
