"""A process that accepts mail with large attachments, as fast as it can, and says what it has acknowledged."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from everpost.engine.accept import Acceptance
from everpost.model.key import Caller, Scope
from everpost.model.message import Address, Attachment, Draft
from everpost.settings import load
from everpost.wiring import PROVIDERS, assembled

CALLER = Caller(project="shop", who="key-1", scope=Scope.ADMIN)
BYTES = 100_000
CONFIG = """
data = "{folder}/data"
attachments = "file:{folder}/attachments"
[accounts.one]
provider = "smtp"
host = "smtp.example.com"
"""


def content(number: int) -> bytes:
    """No two are the same."""
    return f"{number} ".encode().ljust(BYTES, b"x")


def settings_of(folder: Path):
    path = folder / "everpost.toml"
    path.write_text(CONFIG.format(folder=folder))
    settings = load(path, {}, PROVIDERS)
    assert not isinstance(settings, list), settings
    return settings


async def main(folder: Path, first: int) -> None:
    async with assembled(settings_of(folder)) as engine:
        for number in count(first):
            attachment = Attachment(filename="a", content_type="text/plain", content=content(number))
            to = (Address("bob@example.org"),)
            draft = Draft(sender=Address("ann@example.com"), to=to, subject=str(number), attachments=(attachment,))
            accepted = await engine.acceptor.accept(draft, CALLER)
            if isinstance(accepted, Acceptance):
                print(accepted.stored.message.id, number, flush=True)  # noqa: T201  the acknowledgement


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
