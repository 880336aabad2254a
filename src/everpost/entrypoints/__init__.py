"""Room 1: bytes in, bytes out; no decisions."""
