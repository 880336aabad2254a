"""What providers send by themselves: without their signature any bytes are forged, and with it any bytes become events
that can be kept, shown and told again, and that name no address.

The input is headers and, after an empty line, a body: `name: value\\n\\nbody`.
"""

import msgspec

from core_values import message, queued
from everpost.core.masking import masked
from everpost.core.noticing import Join, event_of, suppression_of, unreadable_event
from everpost.dialects.native.render import render_event
from everpost.model.event import Recorded
from everpost.model.limits import HOOK_EVENTS_MAX, REASON_CHARS_MAX
from everpost.model.sighting import Bounce, Sighting, SightingKind, Unreadable
from everpost.providers.hooks import Forged, HookRequest, secrets_of
from everpost.wiring import PROVIDERS
from hook_values import SECRETS, account

NOW = 1_800_000_000.0
JOIN = Join(delivery=queued(), message=message(), by="metadata")


def check(data):
    head, _, body = data.partition(b"\n\n")
    lines = (line.partition(": ") for line in head.decode("latin-1").split("\n"))
    headers = {name.lower(): value for name, _, value in lines}
    for name in SECRETS:
        of, webhook = account(name), PROVIDERS[name].webhook
        asked = HookRequest(method="POST", url="/hooks/a", headers=headers, body=body, received_at=NOW)
        assert isinstance(webhook.verify(asked, of, secrets_of(of, webhook.setting)), Forged)
        read = webhook.read(body)
        assert len(read) <= HOOK_EVENTS_MAX + 1
        for one in read:
            check_one(one)


def check_one(one):
    if isinstance(one, Unreadable):
        event = unreadable_event(one, "a", NOW)
    else:
        assert isinstance(one, Sighting)
        assert (one.bounce is not None) == (one.kind is SightingKind.BOUNCED)
        told = event_of(one, "a", JOIN, NOW)
        assert one.bounce is not Bounce.SOFT or suppression_of(told, one, JOIN, NOW) is None
        event = event_of(one, "a", None, NOW)
    assert len(event.id) <= 200
    for key, value in event.data.items():
        if isinstance(value, str) and key != "provider_message_id":
            assert masked(value) == value
            assert len(value) <= REASON_CHARS_MAX
    shown = msgspec.json.encode(render_event(Recorded(1, event)))
    assert msgspec.json.decode(shown)["id"] == event.id
