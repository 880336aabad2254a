"""Providers for the laptop and the tests: they speak the real protocols, keep what they were sent, and fail on demand."""
