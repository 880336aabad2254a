"""Whether a place for attachments can be used: one is written, read, looked for and deleted, as a server does it."""

import hashlib
from collections.abc import Sequence
from typing import Final

from everpost.attachments.port import Attachments, AttachmentsUnavailable

APART: Final = "-check"
"""After the day: the server's own attachments of that day lie elsewhere. What a trial could not delete goes with its
day, as what no mail needs."""
_BEFORE_ALL: Final = "0001-01-01"


async def faults_of(place: Attachments, day: str, content: bytes) -> Sequence[str]:
    """What can't be done there, and why, in words; none: all can. `content` tells this trial from others."""
    name = f"{day}{APART}/{hashlib.sha256(content).hexdigest()}"
    try:
        await place.put(name, content)
    except AttachmentsUnavailable as error:
        return [f"can't be written to: {error}"]
    faults: list[str] = []
    try:
        if await place.get(name) != content:
            faults.append("does not give back what was written")
    except AttachmentsUnavailable as error:
        faults.append(f"can't be read: {error}")
    try:
        _ = [names async for names in place.before(_BEFORE_ALL)]
    except AttachmentsUnavailable as error:
        faults.append(f"can't be listed: {error}")
    try:
        await place.delete([name])
    except AttachmentsUnavailable as error:
        faults.append(f"can't be deleted from, {name} is left there: {error}")
    return faults
