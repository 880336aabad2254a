"""What is wrong with a template, or with the data that it is filled in with."""


class TemplateFault(Exception):
    """In words for whoever has written the template; `line` counts from 1."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(f"line {line}: {words}")


def shown(text: str) -> str:
    """A piece of a template as it may stand in a message."""
    return ascii(text if len(text) <= 40 else f"{text[:40]}…")
