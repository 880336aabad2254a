"""The operations on API keys."""

from typing import Any, Final

from everpost.dialects.native.keys import KeyPage, KeyView, NewKeyRequest
from everpost.entrypoints.http import keys
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.model.key import Scope

_ALL: Final = "/v1/keys"


def _operation(id_: str, method: str, path: str, **fields: Any) -> Operation:
    return Operation(id=id_, method=method, path=path, tag="API keys", scope=Scope.ADMIN, **fields)


KEYS: Final = (
    _operation(
        "listKeys",
        "GET",
        _ALL,
        summary="Keys of the key's project, with their last use",
        handle=keys.list_keys,
        answers=(Answer(status=200, description="All of them, the oldest first.", schema=KeyPage),),
    ),
    _operation(
        "createKey",
        "POST",
        _ALL,
        summary="Make a key",
        description="For the same project, and for no longer than the key that asks for it. The answer shows its "
        "token, this once.",
        handle=keys.create_key,
        body=NewKeyRequest,
        example={"scope": "send", "name": "the shop's server", "days": 90},
        answers=(Answer(status=201, description="From now on.", schema=KeyView),),
        problems=("too_many_keys",),
    ),
    _operation(
        "revokeKey",
        "DELETE",
        f"{_ALL}/{{id}}",
        summary="End a key, everywhere within a second",
        description="A key may end itself. It stays in the list.",
        handle=keys.revoke_key,
        answers=(Answer(status=204, description="It is revoked."),),
        problems=("not_found",),
    ),
)
