"""What the doors read alike: addresses and files in parts, and the checks of a whole mail."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from everpost.dialects.addresses import address_of, parse_address, parse_address_list
from everpost.dialects.dropins.contract import IDEMPOTENCY_KEY
from everpost.dialects.faults import Faults, key_path
from everpost.dialects.fields import (
    check_content,
    check_count,
    check_direction,
    check_filled,
    check_line,
    read_base64,
    read_content_id,
    read_content_type,
)
from everpost.model import limits
from everpost.model.message import Address, Attachment, Draft, size_bytes
from everpost.model.problem import Problem

NOBODY: Final = Address("")
_KEY: Final = re.compile(rf"[!-~]{{1,{limits.IDEMPOTENCY_KEY_CHARS_MAX}}}")
_LIST_CHARS_MAX: Final = limits.RECIPIENTS_MAX * (2 * limits.NAME_CHARS_MAX + limits.ADDRESS_CHARS_MAX + 8)


def sound(found: Address | str, path: str, faults: Faults) -> Address:
    if isinstance(found, Address):
        check_direction(found.name, path, faults)
        return found
    faults.add(path, found)
    return NOBODY


def pair(email: str, name: str | None, path: str, faults: Faults) -> Address:
    """An address whose parts come apart."""
    return sound(address_of(email, name or ""), path, faults)


def mailboxes(texts: Iterable[str], path: str, faults: Faults) -> tuple[Address, ...]:
    """An address in each text."""
    return tuple(sound(parse_address(text), f"{path}[{place}]", faults) for place, text in enumerate(texts))


def comma_separated(text: str | None, path: str, faults: Faults) -> tuple[Address, ...]:
    """Addresses in one text."""
    if not text or text.isspace():
        return ()
    if "," not in text:  # most hold one
        return (sound(parse_address(text), path, faults),)
    if len(text) > _LIST_CHARS_MAX or text.count(",") > 4 * limits.RECIPIENTS_MAX:
        faults.add(path, f"is too long: at most {limits.RECIPIENTS_MAX} recipients are allowed")
        return ()
    found = parse_address_list(text)
    return tuple(sound(each, path if len(found) == 1 else f"{path}[{at}]", faults) for at, each in enumerate(found))


def attachment(
    filename: str, content: str | bytes, content_type: str | None, content_id: str | None, path: str, faults: Faults
) -> Attachment:
    """`content` in base64, or as it is."""
    check_filled(filename, limits.FILENAME_CHARS_MAX, f"{path}.filename", faults)
    check_direction(filename, f"{path}.filename", faults)
    return Attachment(
        filename=filename,
        content_type=read_content_type(content_type, filename, f"{path}.type", faults),
        content=content if isinstance(content, bytes) else read_base64(content, f"{path}.content", faults),
        content_id=read_content_id(content_id, f"{path}.content_id", faults),
    )


def bytes_of(numbers: Sequence[int], path: str, faults: Faults) -> bytes:
    try:
        return bytes(numbers)
    except ValueError:
        faults.add(path, "is a list of numbers that are no bytes (0 to 255)")
        return b""


def check_mail(draft: Draft, faults: Faults, *, to: str = "to") -> None:
    """What holds for every mail. With provider_options a template at the provider may hold subject and text."""
    if not draft.to:
        faults.add(to, "is missing: give at least one address")
    check_count(len(draft.recipients), limits.RECIPIENTS_MAX, to, "recipients (to, cc and bcc together)", faults)
    check_count(len(draft.reply_to), limits.REPLY_TO_MAX, "reply_to", "addresses for answers", faults)
    check_count(len(draft.attachments), limits.ATTACHMENTS_MAX, "attachments", "attachments", faults)
    if not draft.provider_options:
        if not draft.subject:
            faults.add("subject", "is missing")
        if draft.text is None and draft.html is None:
            faults.add("content", "is missing: give text, html or both")
    check_line(draft.subject, limits.SUBJECT_CHARS_MAX, "subject", faults)
    check_content(draft, faults)


def check_together(mails: Sequence[Draft], path: str, faults: Faults) -> None:
    """One body must not become many times its size."""
    size = sum(map(size_bytes, mails))
    if size > limits.MAILS_BYTES_MAX:
        faults.add(path, f"the mails have {size} bytes of content together, at most {limits.MAILS_BYTES_MAX} are taken")


def key_of(data: Mapping[str, str], path: str, faults: Faults) -> str | None:
    """The request's own name among the data of a mail."""
    key = data.get(IDEMPOTENCY_KEY)
    if key is not None and not _KEY.fullmatch(key):
        most = limits.IDEMPOTENCY_KEY_CHARS_MAX
        faults.add(key_path(path, IDEMPOTENCY_KEY), f"names the request: 1 to {most} visible ASCII characters")
    return key


def refused(faults: Faults, status: int) -> Problem:
    return replace(faults.problem(), status=status)


def first_words(problem: Problem) -> str:
    """The first thing that is wrong, in words."""
    if not problem.errors:
        return problem.detail or problem.title
    first = problem.errors[0]
    return f"{first.field}: {first.message}" if first.field else first.message


def pieces(body: bytes) -> list[msgspec.Raw] | Problem:
    """The entries of a JSON list, unread."""
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        detail = f"send a JSON list: {error}"
        return Problem(code="bad_json", status=400, title="The body is no JSON list", detail=detail)
