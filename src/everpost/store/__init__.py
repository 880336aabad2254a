"""Rooms 4 and 7: where messages, deliveries and events live. The queue is the store."""
