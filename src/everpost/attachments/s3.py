"""Attachments as objects in a bucket of S3, or of what speaks its protocol. What is acknowledged there is durable."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from everpost.attachments.port import AttachmentsUnavailable
from everpost.aws import AwsClient, AwsError
from everpost.aws.credentials import NoCredentials

ABSENT: Final = frozenset({"NoSuchKey", "status 404"})


class S3Attachments:
    """`prefix` stands before each name; it may be empty."""

    def __init__(self, client: AwsClient, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    async def put(self, name: str, content: bytes) -> None:
        try:
            await self._client.put_object(self._bucket, self._prefix + name, content)
        except (AwsError, NoCredentials) as error:
            raise self._unavailable(error) from error

    async def get(self, name: str) -> bytes | None:
        try:
            return await self._client.get_object(self._bucket, self._prefix + name)
        except AwsError as error:
            if error.code in ABSENT:
                return None
            raise self._unavailable(error) from error
        except NoCredentials as error:
            raise self._unavailable(error) from error

    async def before(self, day: str) -> AsyncIterator[Sequence[str]]:
        """Keys come in the order of their bytes, and days are written so that this is theirs."""
        end = self._prefix + day
        last = ""
        while True:
            try:
                keys = await self._client.list_objects(self._bucket, self._prefix, after=last)
            except (AwsError, NoCredentials) as error:
                raise self._unavailable(error) from error
            names = [key.removeprefix(self._prefix) for key in keys if key < end]
            if names:
                yield names
            if not keys or len(names) < len(keys):
                return
            last = keys[-1]

    async def delete(self, names: Sequence[str]) -> None:
        try:
            for name in names:
                await self._client.delete_object(self._bucket, self._prefix + name)
        except (AwsError, NoCredentials) as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        """The client belongs to whoever has made it."""

    def _unavailable(self, error: Exception) -> AttachmentsUnavailable:
        return AttachmentsUnavailable(f"the bucket of attachments {self._bucket}: {error}")
