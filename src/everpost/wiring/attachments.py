"""The place of attachments, to be looked at by somebody who does not use it."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from everpost import settings as config
from everpost.attachments.port import AttachmentsUnavailable
from everpost.attachments.trial import faults_of
from everpost.wiring.cloud import Cloud
from everpost.wiring.parts import attachments_at

TRIAL_BYTES: Final = 32  # by chance, so that two trials at once are not in each other's way


async def try_attachments(place: config.AttachmentPlace, cloud: Cloud) -> Sequence[str]:
    """What can't be done there; none: all can. A folder is made where it is missing."""
    try:
        attachments = attachments_at(place, cloud)
    except AttachmentsUnavailable as error:
        return [f"can't be used: {error}"]
    except ValueError as error:  # AWS without a region
        return [f"can't be reached: {error}"]
    if attachments is None:
        return []
    try:
        return await faults_of(attachments, datetime.now(UTC).date().isoformat(), os.urandom(TRIAL_BYTES))
    finally:
        await attachments.close()
