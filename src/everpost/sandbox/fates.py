"""What became of mail, in the words that lists have: whoever is on a list of the provider's is refused like others."""

from everpost.sandbox.events import Told


def fate(told: Told) -> str:
    return "rejected" if told.what.startswith("barred_") else told.what
