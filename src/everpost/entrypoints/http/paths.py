"""Paths of operations: `/v1/emails/{id}` takes one segment, `/v1/suppressions/{address:path}` all that follow."""

import re
from typing import Final

_VARIABLE: Final = re.compile(r"\{(\w+)(:path)?\}")


def compiled(template: str) -> re.Pattern[str]:
    """What matches the template; its variable parts are the groups."""
    pattern, at = "", 0
    for found in _VARIABLE.finditer(template):
        pattern += re.escape(template[at : found.start()]) + f"(?P<{found[1]}>{'.*' if found[2] else '[^/]+'})"
        at = found.end()
    return re.compile(rf"{pattern}{re.escape(template[at:])}\Z", re.DOTALL)
