"""Events as providers send them, signed as they sign them: one file a provider. Each has

SECRET, OTHER_SECRET   what an account knows it by, and another one's
event(name, **fields)  one event of a mail, by the provider's own name for it; the parameter is called as the field is
request(event, at)     the signed request that brings it
"""

import json
from base64 import b64encode
from datetime import UTC, datetime

from everpost.model.ids import message_id
from everpost.providers.hooks import HookRequest
from store_values import NOW

DELIVERY = f"{message_id(NOW, 1)}.0"


def hook_request(body, headers, at=NOW):
    return HookRequest(method="POST", url="/hooks/a", headers=headers, body=body, received_at=at)


def logged_in(body, secret, at=NOW):
    """From a provider that signs nothing. `body`: bytes, or what is to be JSON."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return hook_request(body, {"authorization": f"Basic {b64encode(secret.encode()).decode()}"}, at)


def iso(at):
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
