"""Requests in the form of SendGrid's and Mailgun's APIs, as the sandbox takes them: a mail, or a problem of status 400.

The input is a content type, an empty line, and a body.
"""

from everpost.dialects import mailgun, sendgrid
from everpost.dialects.contract import Parsed, Submission
from everpost.model.message import Draft
from everpost.model.problem import Problem


def check(data):
    kind, _, body = data.partition(b"\n\n")
    headers = {"content-type": kind.decode("latin-1")}
    submission = Submission(method="POST", path="/", query={}, headers=headers, body=body)
    for dialect in (mailgun, sendgrid):
        found = dialect.parse(submission)
        if isinstance(found, Problem):
            assert found.status == 400
            assert found.errors
            rendered = dialect.render_problem(found)
            assert rendered.status == 400
        else:
            assert isinstance(found, Parsed)
            assert isinstance(found.draft, Draft)
            assert found.draft.sender.email
