"""API keys: one is made, used and revoked."""

from typing import Any, Final

from collection.scenario import Chapter, Scenario

_ONE: Final = {"id": "{{keyId}}"}
_SHOWN: Final = {"the token is shown": "pm.expect(answer.token).to.match(/^evp_[a-z2-7]{8}_[a-z2-7]{39}$/);"}
_FOUND: Final = "const one = answer.data.find((each) => each.id === pm.variables.get('keyId')); "
_LISTED: Final = {
    "it is listed, without its token": _FOUND
    + "pm.expect(one).to.have.property('state', 'ok'); pm.expect(one).to.not.have.property('token');"
}
_REVOKED: Final = {"it is listed as revoked": _FOUND + "pm.expect(one).to.have.property('state', 'revoked');"}


def _faulty(name: str, field: str, **body: Any) -> Scenario:
    return Scenario(operation="createKey", name=name, body=body, code="validation_failed", fields=(field,))


CHAPTER: Final = Chapter(
    name="API keys",
    words="A key is made, shown once, found in the list, and revoked.",
    scenarios=(
        Scenario(
            operation="createKey",
            name="A key that may read, for a day",
            body={"scope": "read", "name": "{{run}}", "days": 1},
            status=201,
            tells={"scope": "read", "name": "{{run}}", "state": "ok", "used_at": None},
            checks=_SHOWN,
            saves={"keyId": "answer.id"},
        ),
        _faulty("A scope that there is not", "scope", scope="root"),
        _faulty("For no time at all", "days", scope="read", days=0),
        Scenario(operation="listKeys", name="It is in the list", status=200, checks=_LISTED),
        Scenario(operation="revokeKey", name="It is revoked", places=_ONE, status=204),
        Scenario(operation="revokeKey", name="A second time", places=_ONE, status=204),
        Scenario(operation="listKeys", name="It stays in the list", status=200, checks=_REVOKED),
        Scenario(operation="revokeKey", name="A key that nobody has made", places={"id": "nobody"}, code="not_found"),
    ),
)
