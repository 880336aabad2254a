"""Where the audit trail is delivered to, at least once and in order per message."""
