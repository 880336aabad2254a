"""A request as dialects read it."""

from everpost.dialects.contract import Submission
from everpost.entrypoints.http.call import Call
from everpost.model.problem import Problem


async def read_submission(call: Call) -> Submission | Problem:
    """With its body."""
    body = await call.body()
    return body if isinstance(body, Problem) else submission_of(call, body)


def submission_of(call: Call, body: bytes = b"") -> Submission:
    """Of a header that is given twice, the first one."""
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(call.incoming.headers)}
    incoming = call.incoming
    return Submission(method=incoming.method, path=incoming.path, query=dict(call.query), headers=told, body=body)
