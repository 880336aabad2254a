"""The operations on webhooks."""

from typing import Any, Final

from everpost.dialects.native.webhooks import (
    NewWebhookRequest,
    ReplayRequest,
    TestView,
    WebhookAttemptPage,
    WebhookPage,
    WebhookRequest,
    WebhookView,
)
from everpost.entrypoints.http import webhooks
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.model.key import Scope
from everpost.model.limits import WEBHOOK_ATTEMPTS_KEPT_MAX, WEBHOOK_ROTATION_S_MAX

_ALL: Final = "/v1/webhooks"
_ONE: Final = "/v1/webhooks/{id}"
_HOUR_S: Final = 3600
_LINKS: Final = {
    "getWebhook": "How it does.",
    "testWebhook": "Try it.",
}


def _readings() -> tuple[Operation, ...]:
    return (
        _operation(
            "listWebhooks",
            "GET",
            _ALL,
            summary="Webhooks of the key's project",
            handle=webhooks.list_webhooks,
            scope=Scope.READ,
            answers=(Answer(status=200, description="All of them, the oldest first.", schema=WebhookPage),),
        ),
        _operation(
            "getWebhook",
            "GET",
            _ONE,
            summary="One webhook, and how it does",
            handle=webhooks.get_webhook,
            scope=Scope.READ,
            answers=(Answer(status=200, description="The webhook.", schema=WebhookView),),
            problems=("not_found",),
        ),
        _operation(
            "listWebhookAttempts",
            "GET",
            _ONE + "/attempts",
            summary=f"The latest {WEBHOOK_ATTEMPTS_KEPT_MAX} attempts, newest first",
            handle=webhooks.list_attempts,
            scope=Scope.READ,
            answers=(Answer(status=200, description="The attempts.", schema=WebhookAttemptPage),),
            problems=("not_found",),
        ),
    )


def _changes() -> tuple[Operation, ...]:
    return (
        _operation(
            "createWebhook",
            "POST",
            _ALL,
            summary="Have events posted to an address",
            description="In the form of Standard Webhooks, or of a provider. The answer shows the secret, this once.",
            handle=webhooks.create_webhook,
            body=NewWebhookRequest,
            example={"url": "https://hooks.example.com/everpost", "events": ["email.sent", "email.failed"]},
            answers=(Answer(status=201, description="From now on.", schema=WebhookView, links=_LINKS),),
            problems=("too_many_webhooks",),
        ),
        _operation(
            "changeWebhook",
            "PATCH",
            _ONE,
            summary="Change a webhook, disable or enable it",
            handle=webhooks.change_webhook,
            body=WebhookRequest,
            example={"enabled": False},
            answers=(Answer(status=200, description="As it is now.", schema=WebhookView),),
            problems=("not_found",),
        ),
        _operation(
            "deleteWebhook",
            "DELETE",
            _ONE,
            summary="Delete a webhook, with what it has not taken",
            handle=webhooks.delete_webhook,
            answers=(Answer(status=204, description="It is gone."),),
            problems=("not_found",),
        ),
    )


def _actions() -> tuple[Operation, ...]:
    hours = WEBHOOK_ROTATION_S_MAX // _HOUR_S
    return (
        _operation(
            "rotateWebhook",
            "POST",
            _ONE + "/rotate",
            summary="Give a webhook a new secret",
            description=f"The answer shows it, this once. The old one goes on signing beside it for {hours} hours.",
            handle=webhooks.rotate_webhook,
            answers=(Answer(status=200, description="With the new secret.", schema=WebhookView),),
            problems=("not_found",),
        ),
        _operation(
            "testWebhook",
            "POST",
            _ONE + "/test",
            summary="Post a `webhook.test` event at once",
            handle=webhooks.test_webhook,
            answers=(Answer(status=200, description="What came of it.", schema=TestView),),
            problems=("not_found",),
        ),
        _operation(
            "replayWebhook",
            "POST",
            _ONE + "/replay",
            summary="Post events once more: one, or those of a time",
            description="They have the ids that they had, so a receiver can tell what it knows.",
            handle=webhooks.replay_webhook,
            body=ReplayRequest,
            example={"since": "2030-01-31T09:00:00Z", "until": "2030-01-31T10:00:00Z"},
            answers=(Answer(status=202, description="It begins.", schema=WebhookView),),
            problems=("not_found", "webhook_busy"),
        ),
    )


def _operation(id_: str, method: str, path: str, **fields: Any) -> Operation:
    return Operation(id=id_, method=method, path=path, tag="Outgoing webhooks", **{"scope": Scope.ADMIN, **fields})


WEBHOOKS: Final = (*_readings(), *_changes(), *_actions())
