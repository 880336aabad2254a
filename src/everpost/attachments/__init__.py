"""Attachments that are too large for the store: a port, and the places behind it."""
