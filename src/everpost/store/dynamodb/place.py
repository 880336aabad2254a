"""What the parts of the store share."""

from collections.abc import Callable

from msgspec import Struct

from everpost.store.dynamodb.items import Keep
from everpost.store.dynamodb.table import Table


class Place(Struct, frozen=True, kw_only=True):
    """Where things are put, over how many shards, and for how long; `clock` tells the wall-clock time."""

    table: Table
    shards: int
    keep: Keep | None
    clock: Callable[[], float]
