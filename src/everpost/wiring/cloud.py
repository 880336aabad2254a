"""AWS, for the parts that are there; where none is, nothing of it is imported."""

import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from everpost.engine.wire import Wire

if TYPE_CHECKING:
    from everpost.aws import AwsClient, CredentialChain, Site, Transport


class Cloud:
    """AWS as one process reaches it, made for the first part that asks for it."""

    def __init__(self, wire: Wire, environ: Mapping[str, str]) -> None:
        self._wire = wire
        self._environ = environ

    @cached_property
    def client(self) -> "AwsClient":
        """Raises ValueError without a region."""
        from everpost.aws import AwsClient

        return AwsClient(self.transport, self.credentials, self.site)

    @cached_property
    def transport(self) -> "Transport":
        from everpost.wiring.aws import aws_transport

        return aws_transport(self._wire)

    @cached_property
    def credentials(self) -> "CredentialChain":
        from everpost.aws import CredentialChain

        return CredentialChain(self._environ, self.transport, time.time)

    @cached_property
    def site(self) -> "Site":
        from everpost.aws import Site

        return Site.of(self._environ)
