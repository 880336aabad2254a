"""The vocabulary: frozen values that every room shares.

Nothing here does I/O, reads a clock or decides. Instants end in `_at` (seconds since the Unix epoch, UTC),
durations in `_s` (seconds), sizes in `_bytes`, bounds in `_MAX`.
"""
