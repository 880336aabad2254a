"""Providers for the laptop and the tests: real protocols, an inbox for what they are sent, and faults on demand."""
