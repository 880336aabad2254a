"""Puts the room together."""

from collections.abc import Sequence

from everpost.entrypoints.http.act_operations import ACTS
from everpost.entrypoints.http.call import Services
from everpost.entrypoints.http.documentation import Documentation
from everpost.entrypoints.http.door import Door
from everpost.entrypoints.http.dropins import DROPINS
from everpost.entrypoints.http.hooks import HOOKS
from everpost.entrypoints.http.inbox import Inbox
from everpost.entrypoints.http.key_operations import KEYS
from everpost.entrypoints.http.mail_operations import MAIL, ORIGINAL
from everpost.entrypoints.http.operation import Operation
from everpost.entrypoints.http.other_operations import VITALS
from everpost.entrypoints.http.steering_operations import STEERING
from everpost.entrypoints.http.suppression_operations import SUPPRESSIONS
from everpost.entrypoints.http.template_operations import TEMPLATES
from everpost.entrypoints.http.ui import ui_operations
from everpost.entrypoints.http.unsubscribing import UNSUBSCRIPTIONS
from everpost.entrypoints.http.vitals import metrics
from everpost.entrypoints.http.whoami import Whoami


def build_app(services: Services, more: Sequence[Operation] = ()) -> Door:
    """The HTTP API as an ASGI application, with `more` of whoever starts it. It owns nothing that has to be closed."""
    return Door(services, served(services, more))


def served(services: Services, more: Sequence[Operation] = ()) -> tuple[Operation, ...]:
    """All that is told; the doors for SDKs of providers, which the providers tell; and where links in mails lead."""
    return (*all_operations(services, more), *DROPINS, *UNSUBSCRIPTIONS)


def all_operations(services: Services, more: Sequence[Operation] = ()) -> tuple[Operation, ...]:
    has_inbox = services.inbox is not None
    inbox = () if services.inbox is None else _inbox(services.inbox)
    vitals = [each for each in VITALS if each.handle is not metrics or services.metrics.is_shown]
    hooks = HOOKS if services.ingestor is not None else ()
    webhooks = () if services.webhooks is None else _webhooks()
    keys = KEYS if services.keys is not None else ()
    told = (
        *(*MAIL, *ACTS, *ORIGINAL, *STEERING, *SUPPRESSIONS, *TEMPLATES, *webhooks, *keys, *hooks, *vitals),
        *(*ui_operations(), *inbox, *more),
    )
    operations = (*told, Whoami(told).operation)
    documentation = Documentation(operations, services.version, inbox=has_inbox)
    return (*operations, *documentation.operations)


def _webhooks() -> tuple[Operation, ...]:
    from everpost.entrypoints.http.webhook_operations import WEBHOOKS  # noqa: PLC0415  functions have none

    return WEBHOOKS


def _inbox(inbox: Inbox) -> tuple[Operation, ...]:
    from everpost.entrypoints.http.inbox_operations import inbox_operations  # noqa: PLC0415  in dev only

    return inbox_operations(inbox)
