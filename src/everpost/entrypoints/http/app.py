"""Puts the room together."""

from everpost.entrypoints.http.call import Services
from everpost.entrypoints.http.documentation import Documentation
from everpost.entrypoints.http.door import Door
from everpost.entrypoints.http.hooks import HOOKS
from everpost.entrypoints.http.key_operations import KEYS
from everpost.entrypoints.http.mail_operations import MAIL, ORIGINAL
from everpost.entrypoints.http.operation import Operation
from everpost.entrypoints.http.other_operations import VITALS, inbox_operations
from everpost.entrypoints.http.steering_operations import STEERING
from everpost.entrypoints.http.suppression_operations import SUPPRESSIONS
from everpost.entrypoints.http.ui import ui_operations
from everpost.entrypoints.http.vitals import metrics
from everpost.entrypoints.http.webhook_operations import WEBHOOKS
from everpost.entrypoints.http.whoami import Whoami


def build_app(services: Services) -> Door:
    """The HTTP API as an ASGI application. It owns nothing that has to be closed."""
    return Door(services, all_operations(services))


def all_operations(services: Services) -> tuple[Operation, ...]:
    has_inbox = services.inbox is not None
    inbox = inbox_operations(services.inbox) if services.inbox is not None else ()
    vitals = [each for each in VITALS if each.handle is not metrics or services.metrics.is_shown]
    hooks = HOOKS if services.ingestor is not None else ()
    webhooks = WEBHOOKS if services.webhooks is not None else ()
    keys = KEYS if services.keys is not None else ()
    told = (
        *(*MAIL, *ORIGINAL, *STEERING, *SUPPRESSIONS, *webhooks, *keys, *hooks, *vitals),
        *(*ui_operations(inbox=has_inbox), *inbox),
    )
    operations = (*told, Whoami(told).operation)
    documentation = Documentation(operations, services.version, inbox=has_inbox)
    return (*operations, *documentation.operations)
