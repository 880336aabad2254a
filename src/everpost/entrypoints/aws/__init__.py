"""Room 1 in AWS Lambda: requests by API Gateway and function URLs, and the duties that a clock or a queue calls for.

A handler is made when the runtime asks for it by name (`everpost.entrypoints.aws.send_email`): with what it needs, and
nothing else is imported.
"""

from collections.abc import Callable
from typing import Any, Final

HANDLERS: Final = ("send_email", "get_email_provider", "set_email_provider", "api", "deliver", "relay", "hooks")


def __getattr__(name: str) -> Callable[[Any, Any], Any]:
    if name not in HANDLERS:
        raise AttributeError(f"{__name__} has no handler {name!r}; there are: {', '.join(HANDLERS)}")
    from everpost.entrypoints.aws.function import Function

    return Function(name)
