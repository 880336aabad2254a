"""What the formats have in common: how a diagnosis is worded, and what is told where the trail has no fact."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from everpost.model.sighting import Machine, Reason

USER_AGENTS: Final[Mapping[str, str]] = {
    Machine.APPLE_MPP: "Mozilla/5.0",
    Machine.IMAGE_PROXY: "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
}
"""By which those are known who load pictures in place of people. Of people the trail keeps none."""
LISTED: Final = frozenset(
    {
        Reason.SUPPRESSED_BOUNCE,
        Reason.SUPPRESSED_COMPLAINT,
        Reason.SUPPRESSED_UNSUBSCRIBE,
        Reason.SUPPRESSED_MANUAL,
    }
)
NOT_WRITTEN_TO: Final = "must not be written to"
_CODE: Final = re.compile(r"(?:smtp; ?)?[245][0-9]{2}(?:[ -]|$)")


def words_of(data: Mapping[str, Any]) -> str:
    """A diagnosis as a receiving server says it: code, enhanced status and words, as far as they are known. Our own
    word for the reason, where there are no words."""
    text = str(data.get("text", ""))
    code, status = data.get("smtp_code"), data.get("enhanced_status")
    if code is not None:
        text = _CODE.sub("", text, count=1) if _CODE.match(text) else text
    if status is not None and status not in text:
        text = f"{status} {text}"
    return " ".join(filter(None, (str(code or ""), text.strip()))) or str(data.get("reason", ""))


def message_id_of(mail: str, sender: str) -> str:
    """A mail's Message-ID, as it is told to who has sent it; without angle brackets."""
    return f"{mail}@{sender.rpartition('@')[2]}"


def instant(at: float) -> str:
    """ISO 8601, in UTC, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
