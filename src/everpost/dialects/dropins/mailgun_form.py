"""What Mailgun's forms have in common."""

from email.utils import parsedate_to_datetime

from everpost.dialects.contract import Submission
from everpost.dialects.faults import Faults
from everpost.dialects.forms import Form, parse_form
from everpost.model.problem import Problem


def form_of(submission: Submission) -> Form | Problem:
    form = parse_form(submission.headers.get("content-type", ""), submission.body)
    if isinstance(form, Form):
        return form
    return Problem(code="bad_form", status=400, title="The form can't be read", detail=form)


def named(form: Form, prefix: str, faults: Faults) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, values in form.fields.items():
        if name.startswith(prefix):
            if len(values) > 1:
                faults.add(name[:80], "is given twice")
            found[name[len(prefix) :]] = values[-1]
    return found


def delivery_time(form: Form, faults: Faults) -> float | None:
    text = form.last("o:deliverytime")
    if text is None:
        return None
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        faults.add("o:deliverytime", "is no date as in RFC 2822; write it as Thu, 31 Jan 2030 09:00:00 +0000")
        return None
    if at.tzinfo is None:
        faults.add("o:deliverytime", "has no zone; write it as Thu, 31 Jan 2030 09:00:00 +0000")
        return None
    return at.timestamp()
