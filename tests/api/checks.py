"""What is checked of every answer beside schemathesis' own checks; loaded by its command as its hooks.

EVERPOST_SCOPES tells the scope of each key as a JSON object; null: the server needs no keys.
"""

import json
import os
import re

import schemathesis

PUBLIC = {"healthz", "livez", "readyz", "front", "pageConfig", "pageFile", "openapi", "docs"}
SIGNED = {"takeWebhook"}  # by a provider: keys play no part, and nobody here can sign
MAY_SEND = {
    "createEmail",
    "createRawEmail",
    "cancelEmail",
    "rescheduleEmail",
    "resendEmail",
    "resolveEmail",
    "bulkEmails",
    "sendEmail",
}
MAY_SEND |= {"getEmailContent", "getEmailSource", "getEmailAttachment", "getTemplate", "renderTemplate"}
MAY_STEER = {"setEmailProvider", "putRoute", "putSuppression", "deleteSuppression", "eraseRecipient"}
MAY_STEER |= {
    "addSuppression",
    "importSuppressions",
    "removeSuppression",
    "probeAccount",
    "pauseAccount",
    "resumeAccount",
    "listKeys",
    "createKey",
    "revokeKey",
    "putTemplate",
    "deleteTemplate",
}
MAY_STEER |= {f"{what}Webhook" for what in ("create", "change", "delete", "rotate", "test", "replay")}
ASKED_FIRST = {"front", "pageFile"}  # kept by browsers, but never used without asking
ALWAYS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
SCOPES = json.loads(os.environ["EVERPOST_SCOPES"])
RANKS = {"read": 0, "send": 1, "admin": 2}

schemathesis.serializer.alias("message/rfc822", "text/plain")  # a whole mail goes as the text that it is


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Answers may have no field that the document does not know; bodies of requests say so themselves."""
    for schema in raw_schema["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)


@schemathesis.check
def answers_only_whom_it_may(ctx, response, case):
    if case.method.upper() != case.operation.method.upper():
        return  # a method that is not there is told to everybody
    operation = case.operation.definition.raw["operationId"]
    if operation in SIGNED:
        assert response.status_code >= 400
        return
    expected = _refusal(operation, response.request.headers.get("Authorization"))
    seen = response.status_code if response.status_code in (401, 403) else None
    assert seen == expected, f"{response.status_code} instead of {expected or 'an answer'}"


@schemathesis.check
def tells_a_code_that_is_documented_for_its_status(ctx, response, case):
    if case.method.upper() != case.operation.method.upper() or response.status_code < 400:
        return
    if "json" in response.headers["content-type"][0]:
        described = case.operation.definition.raw["responses"][str(response.status_code)]["description"]
        code = response.json().get("code")
        assert f"`{code}`" in described, f"{response.status_code} with the code {code}"


@schemathesis.check
def has_the_headers_of_every_answer(ctx, response, case):
    found = {name: response.headers.get(name, [None])[0] for name in ALWAYS}
    assert found == ALWAYS
    is_kept = case.operation.definition.raw["operationId"] in ASKED_FIRST and response.status_code in (200, 304)
    assert response.headers["cache-control"] == ["no-cache" if is_kept else "no-store"]
    assert re.fullmatch(r"[!-~]{1,128}", response.headers["x-request-id"][0])


def _refusal(operation, authorization):
    """401, 403, or None: an answer is due."""
    if operation in PUBLIC or SCOPES is None:
        return None
    scope = SCOPES.get((authorization or "").removeprefix("Bearer "))
    if scope is None:
        return 401
    needed = "admin" if operation in MAY_STEER else "send" if operation in MAY_SEND else "read"
    return None if RANKS[scope] >= RANKS[needed] else 403
