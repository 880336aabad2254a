"""A store in one DynamoDB table, for functions and servers that share nothing else."""

from everpost.store.dynamodb.items import Keep
from everpost.store.dynamodb.store import DynamoStore

__all__ = ["DynamoStore", "Keep"]
