"""The ports of a server that are opened for SMTP."""

import socket
from urllib.parse import urlsplit

from everpost.engine.engine import Engine
from everpost.entrypoints.http.call import Services
from everpost.entrypoints.http.door import LOCAL, Door
from everpost.entrypoints.smtp.listeners import Listeners
from everpost.entrypoints.smtp.session import House
from everpost.entrypoints.smtp.submit import Submitter
from everpost.settings import Settings


async def opened(
    engine: Engine, door: Door, services: Services, settings: Settings, *, is_shared: bool = False
) -> Listeners:
    """As many as the settings name, none among them. What is too much for the HTTP API is so for them: both share one
    admission. Raises OSError."""
    submitter = Submitter(services.acceptor, engine.forms, door.gate.admission, services.metrics, services.clock)
    url = settings.http.public_url
    name = (urlsplit(url).hostname if url else None) or socket.gethostname()
    listeners = Listeners(
        House(name=name, submitter=submitter, keyring=services.keyring, local=LOCAL),
        settings.submission,
        is_shared=is_shared,
    )
    await listeners.start()
    return listeners
