"""What people do to mail that is accepted: one mail, or many."""

from enum import StrEnum

from msgspec import Struct


class Action(StrEnum):
    CANCEL = "cancel"  # what is queued is not handed over
    RESCHEDULE = "reschedule"  # what was never begun is handed over at another time
    RESEND = "resend"  # a new mail, made of what is stored of one that is final
    RESOLVE = "resolve"  # what is uncertain or held is decided


class Decision(StrEnum):
    """What a person says of a mail of which Everpost can't tell."""

    SENT = "sent"  # the provider has it
    FAILED = "failed"  # it is not sent, and will not be
    RESEND = "resend"  # it goes back into the queue: if the provider has it after all, it is sent twice


class Act(Struct, frozen=True, kw_only=True):
    action: Action
    why: str = ""  # in the words of who does it
    send_at: float | None = None  # of RESCHEDULE, and maybe of RESEND
    decision: Decision | None = None  # of RESOLVE
    attempts: int | None = None  # of RESOLVE: those that the person has seen; None: whatever has happened since
