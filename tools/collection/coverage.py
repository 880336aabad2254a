"""What the scenarios provoke of all that the document tells, and why the rest is left out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from collection.contract import Operation
from collection.scenario import Scenario
from msgspec import Struct

ANY: Final = "*"
EXCEPTIONS: Final[Mapping[tuple[str, str], str]] = {
    (ANY, "internal_error"): "a bug of Everpost, and none is known",
    (ANY, "store_unavailable"): "needs a disk that fails: tests/crash/test_full_disk.py",
    (ANY, "overloaded"): "needs a flood: tests/entrypoints/http/test_admission.py",
    (ANY, "no_streams"): "is said by functions alone: tests/entrypoints/aws/test_requests.py",
    (ANY, "too_many_streams"): "needs 256 readers: tests/entrypoints/http/test_following.py",
    (ANY, "idempotency_running"): "needs two requests at the same moment: tests/engine/test_idempotency.py",
    (ANY, "idempotency_expired"): "comes when a mail is no longer kept, after days: tests/engine/test_idempotency.py",
    (ANY, "attachment_unavailable"): "needs a place of attachments that fails: tests/engine/test_attach.py",
    ("resolveEmail", ""): "needs a mail of which nobody can tell: tests/engine/test_desk.py",
    ("resendEmail", "no_account_can_carry"): "needs accounts that have changed meanwhile: tests/core/test_admit.py",
    ("createRawEmail", "idempotency_mismatch"): "is createEmail's: tests/entrypoints/http/test_raw_mail.py",
    ("createRawEmail", "no_account_can_carry"): "needs other accounts: tests/entrypoints/http/test_raw_mail.py",
    ("createRawEmail", "body_too_large"): "is createEmail's: tests/entrypoints/http/test_refusals.py",
    ("sendEmail", "no_account_can_carry"): "needs accounts that take less than the sandbox's: tests/core/test_admit.py",
    ("createWebhook", "too_many_webhooks"): "needs fifty of them: tests/engine/webhooks/test_managing.py",
    ("putTemplate", "too_many_templates"): "needs five hundred of them: tests/entrypoints/http/test_templates.py",
    ("createKey", "too_many_keys"): "needs a hundred of them: tests/entrypoints/http/test_keys.py",
    ("replayWebhook", "webhook_busy"): "needs a replay that lasts: tests/engine/webhooks/test_replays.py",
    (
        "sendEmail",
        "held",
    ): "needs a mail of which nobody can tell, and an account that nobody can ask: tests/dialects/test_legacy.py",
    ("sendEmail", "cancelled"): "needs somebody who cancels it while its sender waits: tests/dialects/test_legacy.py",
    ("takeWebhook", ""): "needs the signature of a provider: tests/entrypoints/http/test_hooks.py",
    ("setEmailProvider", "version_conflict"): "needs a change by others between its reading and its writing",
    ("pauseAccount", "version_conflict"): "needs a change by others between its reading and its writing",
    ("resumeAccount", "version_conflict"): "needs a change by others between its reading and its writing",
}
"""By operation and code: why no scenario provokes it."""


class Row(Struct, frozen=True):
    """One documented answer: a status, and the code of a problem or "" for a good answer."""

    operation: str
    status: int
    code: str


def documented(operations: Mapping[str, Operation]) -> Iterator[Row]:
    for operation in operations.values():
        for status in operation.responses:
            codes = [code for code, its in operation.statuses.items() if its == int(status)]
            for code in codes or [""]:
                yield Row(operation.id, int(status), code)


def provoked(scenarios: Sequence[Scenario]) -> set[Row]:
    return {Row(each.operation, status, each.code) for each in scenarios for status in each.statuses if each.operation}


def excuse(row: Row) -> str | None:
    """Why a documented answer is not provoked; None: it has to be."""
    return EXCEPTIONS.get((row.operation, row.code)) or EXCEPTIONS.get((ANY, row.code))
