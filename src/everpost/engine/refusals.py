"""Why a mail is not accepted, where that has nothing to do with what it says."""

from typing import Final

from everpost.model.problem import Problem

MISMATCH: Final = Problem(
    code="idempotency_mismatch",
    status=422,
    title="The idempotency key was used for another request",
    detail="use a new Idempotency-Key for a new mail, or send the same body to get the first answer again",
)
GONE: Final = Problem(
    code="idempotency_expired",
    status=409,
    title="The message made with this idempotency key is no longer kept",
    detail="use a new Idempotency-Key",
)


def running(left_s: float) -> Problem:
    return Problem(
        code="idempotency_running",
        status=409,
        title="The first request with this idempotency key is still running",
        detail="repeat this request a little later to get its answer",
        retry_after_s=min(max(left_s, 1.0), 5.0),
    )


def unavailable(reason: str) -> Problem:
    return Problem(
        code="store_unavailable",
        status=503,
        title="The mail could not be stored",
        detail=f"nothing was accepted ({reason}); the same request may be repeated, best with an Idempotency-Key",
        retry_after_s=1.0,
    )
