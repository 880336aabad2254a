"""AWS's APIs, as far as Everpost needs them, in a client that starts fast and hides no repeat.

AWS's own client takes most of a second to import, which a function pays at each cold start. This one carries requests
by a transport that it is given, so that it keeps Everpost's deadlines and knows whether a request can have arrived.
"""

from everpost.aws.client import AwsClient, AwsError, Site
from everpost.aws.credentials import CredentialChain
from everpost.aws.signing import Credentials
from everpost.aws.transport import Lost, Request, Response, Transport

__all__ = [
    "AwsClient",
    "AwsError",
    "CredentialChain",
    "Credentials",
    "Lost",
    "Request",
    "Response",
    "Site",
    "Transport",
]
