"""Contents of mails: beside the message where they are small, in S3 where an item can't hold them.

A content is written before the message that names it, so that the message is never without it. Its name is new each
time: whatever goes wrong, no other message's content is touched.
"""

import zlib
from typing import Final

from everpost.aws import AwsClient, AwsError
from everpost.aws.credentials import NoCredentials
from everpost.model.message import Message, stored_names
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.keys import Key, attachment_key, content_key
from everpost.store.packing import message_content, with_content
from everpost.store.port import StoreUnavailable

ITEM_BYTES_MAX: Final = 350_000  # DynamoDB's bound is 400 KB, names of attributes included
PACKED_BYTES_MAX: Final = 1024 * 1024  # of a content that is compressed: some 20 ms in which nothing else is done
FOLDER: Final = "bodies"


class Bodies:
    """`bucket` is where large contents go; without one, a mail that needs it is not taken."""

    def __init__(self, client: AwsClient, bucket: str | None) -> None:
        self._client = client
        self._bucket = bucket

    async def lay_out(self, message: Message, token: str, expires_at: int | None) -> tuple[Item, list[Item]]:
        """Stores a large content. Returns what the message's head has to say of it, and the items that are still to be
        put: the one that holds a small content, and those that tell of attachments outside the store."""
        names = sorted(stored_names(message))
        head, items = await self._lay_out(message, token, expires_at)
        needed = [{**attachment_key(name, message.id)._asdict(), "expires_at": expires_at} for name in names]
        return head | ({"files": " ".join(names)} if names else {}), items + needed

    async def _lay_out(self, message: Message, token: str, expires_at: int | None) -> tuple[Item, list[Item]]:
        content = message_content(message)
        if len(content) <= PACKED_BYTES_MAX and len(packed := zlib.compress(content)) <= ITEM_BYTES_MAX:
            key = content_key(message.id, token)
            return {"body": token}, [{**key._asdict(), "content": packed, "expires_at": expires_at}]
        if self._bucket is None:
            raise StoreUnavailable(
                f"the content of the mail takes {len(content)} bytes, and an item of DynamoDB holds {ITEM_BYTES_MAX}:"
                " name a bucket for larger ones, as in dynamodb:TABLE?bodies=BUCKET"
            )
        name = f"{FOLDER}/{message.id}/{token}"
        try:
            await self._client.put_object(self._bucket, name, content)
        except (AwsError, NoCredentials) as error:
            raise StoreUnavailable(f"S3: {error}") from error
        return {"object": name}, []

    def key_of(self, head: Item) -> Key | None:
        """Where in the table the content lies; None: in S3."""
        message_id = head["pk"].removeprefix("m#")
        return content_key(message_id, head["body"]) if "body" in head else None

    async def join(self, message: Message, head: Item, item: Item | None) -> Message:
        """The message with its content, which `item` is, where it lies in the table."""
        content = zlib.decompress(item["content"]) if item is not None else await self._fetch(head)
        return with_content(message, content)

    async def _fetch(self, head: Item) -> bytes:
        if "object" not in head or self._bucket is None:
            raise StoreUnavailable(f"the content of {head['pk']} is not there: is `bodies` the bucket it was put into?")
        try:
            return await self._client.get_object(self._bucket, head["object"])
        except (AwsError, NoCredentials) as error:
            raise StoreUnavailable(f"S3: {error}") from error

    def keys_of(self, head: Item) -> list[Key]:
        """All that lies in the table of a content."""
        content = self.key_of(head)
        message_id = head["pk"].removeprefix("m#")
        needed = [attachment_key(name, message_id) for name in head.get("files", "").split()]
        return [*([content] if content else []), *needed]

    async def delete(self, head: Item) -> None:
        """An object in S3; what lies in the table is for the caller to delete (`keys_of`)."""
        if "object" not in head or self._bucket is None:
            return
        try:
            await self._client.delete_object(self._bucket, head["object"])
        except (AwsError, NoCredentials) as error:
            raise StoreUnavailable(f"S3: {error}") from error
