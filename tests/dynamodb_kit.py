"""DynamoDB stores for the tests: over the model in this process, and over a real ministack."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar
from uuid import uuid4

from aws_kit import REGION, client_of
from dynamodb_model import DynamoModel, Trouble
from everpost.aws import AwsClient, AwsError, CredentialChain, Site
from everpost.engine.wire import NetworkWire
from everpost.model.message import Attachment, Message
from everpost.store.dynamodb import DynamoStore, Keep
from everpost.store.dynamodb.bodies import Bodies
from everpost.store.dynamodb.keys import SHARDS
from everpost.store.dynamodb.place import Place
from everpost.store.dynamodb.schema import SCHEMA
from everpost.store.dynamodb.table import Table
from scripted_server import settled
from store_values import message

T = TypeVar("T", bound=DynamoStore)

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


def store_over(
    model: DynamoModel,
    clock: Callable[[], float],
    *,
    shards: int = SHARDS,
    keep: Keep | None = None,
    kind: type[T] = DynamoStore,
) -> T:
    """Its tokens are drawn by the model."""
    client = client_over(model, clock)
    table = Table(client, TABLE, lambda: f"{model.rng.getrandbits(128):x}")
    place = Place(table=table, shards=shards, keep=keep, clock=clock)
    return kind(place, Bodies(client, BUCKET))


def model_store(
    clock: Callable[[], float], *, seed: int = 0, trouble: Trouble | None = None, keep: Keep | None = None
) -> tuple[DynamoStore, DynamoModel]:
    model = DynamoModel(Random(seed), clock, trouble)
    return store_over(model, clock, keep=keep), model


def large_message(size: int = 500_000) -> Message:
    """One with a tag and an attachment of chance, which can't be made smaller."""
    content = Random(size).randbytes(size)
    attachment = Attachment(filename="a.bin", content_type="application/octet-stream", content=content)
    return message(1, attachments=(attachment,), tags=("a",))


@asynccontextmanager
async def real_store(
    endpoint: str, clock: Callable[[], float] = time.time, *, name: str | None = None, **options: Any
) -> AsyncIterator[DynamoStore]:
    """A store in the AWS at `endpoint`: over a table and a bucket of its own, or over those of that name."""
    wire = NetworkWire()
    client = client_of(wire, endpoint, clock=clock)
    try:
        name = name or await make_table(client)
        yield DynamoStore.open(client, name, bodies=name, clock=clock, **options)
    finally:
        await wire.close()
        await settled()


async def new_table(endpoint: str) -> str:
    """As `make_table`, for those who come later."""
    wire = NetworkWire()
    try:
        return await make_table(client_of(wire, endpoint))
    finally:
        await wire.close()
        await settled()


async def make_table(client: AwsClient) -> str:
    """The name of the new table, and of a bucket."""
    name = f"everpost-{uuid4().hex}"
    try:
        await client.call("dynamodb", "CreateTable", {"TableName": name, **SCHEMA})
    except AwsError as error:
        if not error.maybe_done:  # by the first try, which a busy machine has answered too late
            raise
    await client._object("PUT", name, "", 10.0, body=PLACE)
    return name
