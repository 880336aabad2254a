"""Reads on a connection of their own: in WAL mode they neither wait for writers nor hold them up."""

from collections.abc import Sequence
from pathlib import Path

import apsw

from everpost.store.sqlite.connection import UNAVAILABLE, connect, unavailable
from everpost.store.sqlite.operation import Failed, Operation, Result


class Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = connect(path)
        self._connection.pragma("query_only", "on")

    def run(self, batch: Sequence[Operation]) -> list[Result]:
        return [read(operation, self._connection, self._path) for operation in batch]

    def close(self) -> None:
        self._connection.close()


def read(operation: Operation, connection: apsw.Connection, path: str) -> Result:
    try:
        return operation.run(connection)
    except UNAVAILABLE as error:
        return Failed(unavailable(error, Path(path).name))
    except Exception as error:  # noqa: BLE001 - whatever an operation raises is told to its own caller
        return Failed(error)
