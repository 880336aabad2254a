"""API keys as the native API takes and gives them."""

from typing import Annotated, Final, NotRequired, TypedDict

import msgspec
from msgspec import Meta, Struct

from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_line
from everpost.dialects.native.render import instant, maybe_instant
from everpost.dialects.native.schema import REQUIRED
from everpost.model.key import ApiKey, Scope
from everpost.model.limits import KEY_DAYS_MAX, NAME_CHARS_MAX
from everpost.model.problem import Problem

_DAY_S: Final = 86_400.0


class NewKeyRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A key to be made, for the project of the key that asks for it."""

    scope: Annotated[
        Scope | None,
        Meta(description="send includes read, admin everything.", extra_json_schema=REQUIRED),
    ] = None
    name: Annotated[str, Meta(description="What it is for, in your words.")] = ""
    days: Annotated[
        float | None,
        Meta(description=f"It ends by itself after so many, at most {KEY_DAYS_MAX}. Left out: never."),
    ] = None


class NewKey(Struct, frozen=True, kw_only=True):
    scope: Scope
    name: str
    lasts_s: float | None


class KeyView(TypedDict):
    """A key. What it is recognised by is shown when it is made, and never again."""

    id: Annotated[str, Meta(description="Its public part: what stands behind `evp_`.")]
    name: str
    scope: Annotated[str, Meta(description="send, read or admin.")]
    project: str
    state: Annotated[str, Meta(description="ok, revoked or expired.")]
    created_at: str
    expires_at: Annotated[str | None, Meta(description="When it ends by itself; null: never.")]
    revoked_at: str | None
    used_at: Annotated[str | None, Meta(description="When it was last used, to a minute; null: never.")]
    token: NotRequired[Annotated[str, Meta(description="What its holder sends. Keep it now.")]]


class KeyPage(TypedDict):
    data: list[KeyView]
    next_cursor: None


_NEW: Final = msgspec.json.Decoder(NewKeyRequest)


def parse_new_key(body: bytes) -> NewKey | Problem:
    faults = Faults()
    request = decode(body, _NEW, faults)
    if isinstance(request, Problem):
        return request
    if request.scope is None:
        faults.add("scope", "is missing")
    check_line(request.name, NAME_CHARS_MAX, "name", faults)
    if request.days is not None and not 0 < request.days <= KEY_DAYS_MAX:
        faults.add("days", f"must be more than 0 and at most {KEY_DAYS_MAX}")
    if faults or request.scope is None:
        return faults.problem("The key has faulty fields")
    lasts_s = None if request.days is None else request.days * _DAY_S
    return NewKey(scope=request.scope, name=request.name, lasts_s=lasts_s)


def render_key(key: ApiKey, used_at: float | None, *, is_good: bool, token: str | None = None) -> KeyView:
    """With its token only where that is to be shown."""
    state = "revoked" if key.revoked_at is not None else "ok" if is_good else "expired"
    view: KeyView = {
        "id": key.id,
        "name": key.name,
        "scope": key.scope.value,
        "project": key.project,
        "state": state,
        "created_at": instant(key.created_at),
        "expires_at": maybe_instant(key.expires_at),
        "revoked_at": maybe_instant(key.revoked_at),
        "used_at": maybe_instant(used_at),
    }
    if token is not None:
        view["token"] = token
    return view
