"""What a provider that is a part of AWS states of its requests."""

from msgspec import Struct


class AwsSigning(Struct, frozen=True, kw_only=True):
    """Who asks AWS is proven by a signature, which holds for minutes: the wire makes it as the request leaves."""

    region: str
    service: str
    access_key_id: str | None = None  # None: whoever this process is on AWS
    secret_access_key: str | None = None
    session_token: str | None = None
