"""DynamoDB stores for the tests: over the model in this process, and over a real ministack."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

from aws_kit import REGION, client_of
from dynamodb_model import DynamoModel, Trouble
from everpost.aws import AwsClient, CredentialChain, Site
from everpost.engine.wire import NetworkWire
from everpost.store.dynamodb import DynamoStore
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.keys import SHARDS
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.schema import SCHEMA
from everpost.store.dynamodb.table import Table
from scripted_server import settled

TABLE = "everpost"
BUCKET = "bodies"
PLACE = (
    f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>".encode()
)


def client_over(model: DynamoModel, clock: Callable[[], float]) -> AwsClient:
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    return AwsClient(
        model, CredentialChain(keys, model, clock), Site(region="eu-central-1"), clock=clock, chance=model.rng.random
    )


def model_store(
    clock: Callable[[], float], *, seed: int = 0, trouble: Trouble | None = None, shards: int = SHARDS
) -> tuple[DynamoStore, DynamoModel]:
    model = DynamoModel(Random(seed), clock, trouble)
    numbers = count()
    client = client_over(model, clock)
    table = Table(client, TABLE, lambda: f"token-{next(numbers)}")
    place = Place(table=table, shards=shards, keep=None, clock=clock)
    return DynamoStore(place, Bodies(client, BUCKET)), model


@asynccontextmanager
async def real_store(
    endpoint: str, clock: Callable[[], float] = time.time, **options: Any
) -> AsyncIterator[DynamoStore]:
    """A store over a table and a bucket of its own, in the AWS at `endpoint`."""
    wire = NetworkWire()
    client = client_of(wire, endpoint, clock=clock)
    try:
        name = await make_table(client)
        yield DynamoStore.open(client, name, bodies=name, clock=clock, **options)
    finally:
        await wire.close()
        await settled()


async def make_table(client: AwsClient) -> str:
    """The name of the new table, and of a bucket."""
    name = f"everpost-{uuid4().hex}"
    await client.call("dynamodb", "CreateTable", {"TableName": name, **SCHEMA})
    await client._object("PUT", name, "", 10.0, body=PLACE)
    return name
