"""What a filter means for a message, for stores that look at each."""

from everpost.store.port import Filter, Stored


def matches(stored: Stored, by: Filter) -> bool:
    """All but the project and the time, which say where to look."""
    message = stored.message
    if by.tag is not None and by.tag not in message.tags:
        return False
    if by.recipient is not None:
        wanted = by.recipient.lower()
        if all(address.email.lower() != wanted for address in message.recipients):
            return False
    return any(
        by.state in (None, delivery.state) and by.account in (None, delivery.account) for delivery in stored.deliveries
    )
