"""Which events a webhook gets."""

from everpost.model.event import Event, EventType
from everpost.model.webhook import Webhook


def concerns(webhook: Webhook, event: Event) -> bool:
    """Whether it is one of its project, type and account. Whether it is about a mail with one of its tags is not known
    from the event; see `needs_tags`. None is about the webhook itself: else its failing would be told by failing."""
    return (
        event.project == webhook.project
        and (not webhook.events or event.type in webhook.events)
        and (not webhook.accounts or event.account in webhook.accounts)
        and (not webhook.tags or event.message_id is not None)
        and event.data.get("webhook") != webhook.id
    )


def needs_tags(webhook: Webhook, event: Event) -> bool:
    """Whether the tags of the mail have to be looked up."""
    return bool(webhook.tags) and event.type is not EventType.ACCEPTED


def has_tag(webhook: Webhook, tags: object) -> bool:
    """Whether one of these tags of a mail is one of the webhook's."""
    return not webhook.tags or (isinstance(tags, list | tuple) and not set(webhook.tags).isdisjoint(tags))
