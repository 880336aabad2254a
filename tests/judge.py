"""AWS's own client: what it reads of ours, and what ours reads, must agree.

Its sockets stay open until the tests are over. Left to the collector they would be a warning, which is an error, in
whatever test happens to run then.
"""

from contextlib import ExitStack
from typing import Any

OPEN = ExitStack()


def client(service: str, endpoint: str, **options: Any) -> Any:
    import boto3  # noqa: PLC0415  it takes most of a second, and most runs of a few tests don't need it

    made = boto3.client(service, endpoint_url=endpoint, **options)
    OPEN.callback(made.close)
    return made
