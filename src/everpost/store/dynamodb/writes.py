"""Writes as DynamoDB is asked for them, in transactions or alone. `#name` stands for an attribute, since many names are
reserved words; `:name` for a value."""

import re
from collections.abc import Mapping
from typing import Any, Final, Self

from msgspec import Struct

from everpost.store.dynamodb.attributes import encoded
from everpost.store.dynamodb.keys import Key

_NAME: Final = re.compile(r"#\w+")
_NOTHING: Final[Mapping[str, Any]] = {}

ABSENT: Final = "attribute_not_exists(#pk)"
PRESENT: Final = "attribute_exists(#pk)"


class Write(Struct, frozen=True, kw_only=True):
    """One item's part. A write whose condition fails is told the item as it stands."""

    verb: str  # Put, Update, Delete or ConditionCheck
    request: dict[str, Any]

    @classmethod
    def put(cls, item: Mapping[str, Any], condition: str | None = None, **values: Any) -> Self:
        return cls(verb="Put", request={"Item": encoded(item)} | _expressions(condition, None, values))

    @classmethod
    def update(cls, key: Key, change: str, condition: str | None = None, **values: Any) -> Self:
        return cls(verb="Update", request={"Key": encoded(key._asdict())} | _expressions(condition, change, values))

    @classmethod
    def delete(cls, key: Key, condition: str | None = None, **values: Any) -> Self:
        return cls(verb="Delete", request={"Key": encoded(key._asdict())} | _expressions(condition, None, values))


def _expressions(condition: str | None, change: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if condition is not None:
        asked |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if change is not None:
        asked["UpdateExpression"] = change
    return asked | names(condition or "", change or "") | bound(values)


def names(*expressions: str) -> dict[str, Any]:
    found = {name: name[1:] for expression in expressions for name in _NAME.findall(expression)}
    return {"ExpressionAttributeNames": found} if found else {}


def bound(values: Mapping[str, Any]) -> dict[str, Any]:
    given = encoded({f":{name}": value for name, value in values.items()})
    return {"ExpressionAttributeValues": given} if given else {}
