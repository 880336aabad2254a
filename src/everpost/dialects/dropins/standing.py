"""On which of a provider's lists an entry of our one list stands: that is told by how it is known."""

from collections.abc import Collection
from typing import Final

from everpost.model.suppression import Source, Suppression

BOUNCED: Final = (Source.BOUNCE, Source.ACCOUNT)
COMPLAINED: Final = (Source.COMPLAINT,)
LEFT: Final = (Source.UNSUBSCRIBE, Source.PERSON, Source.IMPORT)


def is_on(sources: Collection[Source], row: Suppression) -> bool:
    return row.source in sources
