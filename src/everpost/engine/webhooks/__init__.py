"""Outgoing webhooks: who manages them, and who delivers."""
