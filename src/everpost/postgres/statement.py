"""SQL with names in the places of its values."""

import re
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

_NAME: Final = re.compile(r"(?<!:):([a-z_]+)")


class Statement:
    """`:name` stands for a value, which is always bound. Each connection prepares it once."""

    def __init__(self, sql: str) -> None:
        self.names = tuple(dict.fromkeys(_NAME.findall(sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self.names, 1)}
        self.sql = _NAME.sub(lambda match: numbers[match[1]], sql)

    async def rows(self, connection: asyncpg.Connection, values: Mapping[str, Any]) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await connection.fetch(self.sql, *(values[name] for name in self.names))
        return rows

    async def row(self, connection: asyncpg.Connection, values: Mapping[str, Any]) -> asyncpg.Record | None:
        return await connection.fetchrow(self.sql, *(values[name] for name in self.names))
