"""The network, and AWS for the parts that are there; where none is, nothing of it is imported."""

import ssl
import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from everpost.engine.wire import NetworkWire
from everpost.wiring.signed import SigningWire

if TYPE_CHECKING:
    from everpost.aws import AwsClient, CredentialChain, Site, Transport


class Cloud:
    """What one process reaches by one wire: each part is made for the first one that asks for it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """One for all, since reading the system's certificates takes a tenth of a function's start."""
        return ssl.create_default_context()

    @cached_property
    def wire(self) -> NetworkWire:
        return NetworkWire(tls=self.tls)

    @cached_property
    def to_providers(self) -> SigningWire:
        """The same, for those of them that are AWS's, too: their requests are signed on the way."""
        return SigningWire(self)

    @cached_property
    def client(self) -> "AwsClient":
        """Raises ValueError without a region."""
        from everpost.aws import AwsClient

        return AwsClient(self._transport, self.credentials, self.site)

    def objects_at(self, endpoint: str | None) -> "AwsClient":
        """A client that finds S3, or what speaks its protocol, at this address; None: where AWS has it."""
        if endpoint is None:
            return self.client
        from everpost.aws import AwsClient

        site = replace(self.site, endpoints={**self.site.endpoints, "s3": endpoint})
        return AwsClient(self._transport, self.credentials, site)

    @cached_property
    def credentials(self) -> "CredentialChain":
        from everpost.aws import CredentialChain

        return CredentialChain(self.environ, self._transport, time.time)

    @cached_property
    def site(self) -> "Site":
        from everpost.aws import Site

        return Site.of(self.environ)

    @cached_property
    def _transport(self) -> "Transport":
        from everpost.wiring.aws import aws_transport

        return aws_transport(self.wire)
