"""The table: its keys and indexes, as data. Whoever makes it (Terraform, a test) makes this one."""

from collections.abc import Mapping
from typing import Any, Final

TTL_ATTRIBUTE: Final = "expires_at"
DUE_INDEX: Final = "due"  # what waits: deliveries for their time, final ones and keys for the purge
JOURNAL_INDEX: Final = "journal"  # events that have no number yet

SCHEMA: Final[Mapping[str, Any]] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        {"AttributeName": "due_shard", "AttributeType": "S"},
        {"AttributeName": "due_at", "AttributeType": "N"},
        {"AttributeName": "unsequenced_shard", "AttributeType": "S"},
        {"AttributeName": "unsequenced_at", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": DUE_INDEX,
            "KeySchema": [
                {"AttributeName": "due_shard", "KeyType": "HASH"},
                {"AttributeName": "due_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
        {
            "IndexName": JOURNAL_INDEX,
            "KeySchema": [
                {"AttributeName": "unsequenced_shard", "KeyType": "HASH"},
                {"AttributeName": "unsequenced_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ],
}
"""A CreateTable request, but for the name. Both indexes are sparse, and a hint: they lag behind the table."""
