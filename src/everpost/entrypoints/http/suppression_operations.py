"""The operations on suppressions and recipients."""

from typing import Any, Final

from everpost.dialects.native import views
from everpost.dialects.native.suppression_schema import (
    ErasureRequest,
    SuppressionAddition,
    SuppressionImport,
    SuppressionRemoval,
    SuppressionRequest,
    SuppressionSearch,
)
from everpost.entrypoints.http import erasing, files, suppressions
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.query import Parameter
from everpost.model.key import Scope

_ALL: Final = "/v1/suppressions"
_SUPPRESSION: Final = f"{_ALL}/{{address:path}}"  # the local part of an address may hold a slash
_ADDRESS: Final = {"address": {"type": "string", "format": "email"}}
_OF_STREAM: Final = (Parameter("stream", "With mail of this stream. Left out: with all mail.", {"type": "string"}),)
_IN_BODY: Final = "As with the address in the path, where logs of proxies would show it."


def _operation(id_: str, method: str, path: str, **fields: Any) -> Operation:
    return Operation(id=id_, method=method, path=path, tag="Suppressions", **{"scope": Scope.ADMIN, **fields})


SUPPRESSIONS: Final = (
    _operation(
        "addSuppression",
        "POST",
        _ALL,
        summary="Stop mail to an address that stands in the body",
        description=_IN_BODY,
        handle=suppressions.add_suppression,
        body=SuppressionAddition,
        example={"address": "dan@example.org", "reason": "asked by phone", "stream": "newsletter"},
        answers=(Answer(status=200, description="From now on.", schema=views.SuppressionView),),
    ),
    _operation(
        "removeSuppression",
        "POST",
        f"{_ALL}/remove",
        summary="Allow mail again to an address that stands in the body",
        description=_IN_BODY,
        handle=suppressions.remove_suppression,
        body=SuppressionRemoval,
        example={"address": "dan@example.org"},
        answers=(Answer(status=204, description="It is not suppressed."),),
    ),
    _operation(
        "searchSuppressions",
        "POST",
        f"{_ALL}/search",
        summary="List addresses that must not be written to",
        description="In order of their letters. With `Accept: text/csv` the page is a piece of a file, of which only "
        "the first one has titles. What a spreadsheet would take for a formula begins with an apostrophe there. "
        "Addresses that were erased are not told.",
        handle=suppressions.search_suppressions,
        scope=Scope.READ,
        body=SuppressionSearch,
        example={"address": "bob"},
        answers=(
            Answer(
                status=200,
                description="A page.",
                schema=views.SuppressionPage,
                optional_headers=files.NEXT,
            ),
            Answer(status=200, description="A piece.", content_type=files.CSV),
        ),
    ),
    _operation(
        "importSuppressions",
        "POST",
        f"{_ALL}/import",
        summary="Stop mail to the addresses of a list",
        description="Each faulty line is named, and the good ones are taken. With `dry_run` nothing is.",
        handle=suppressions.import_suppressions,
        body=SuppressionImport,
        example={"csv": "address,reason,stream\nbob@example.org,asked by phone,newsletter\n", "dry_run": True},
        answers=(Answer(status=200, description="Done, or looked at.", schema=views.ImportView),),
    ),
    _operation(
        "getSuppression",
        "GET",
        _SUPPRESSION,
        places=_ADDRESS,
        summary="Whether an address must not be written to",
        handle=suppressions.get_suppression,
        scope=Scope.READ,
        query=_OF_STREAM,
        answers=(Answer(status=200, description="It must not.", schema=views.SuppressionView),),
        problems=("not_found", "validation_failed", "bad_parameter"),
    ),
    _operation(
        "putSuppression",
        "PUT",
        _SUPPRESSION,
        places=_ADDRESS,
        summary="Stop mail to an address",
        handle=suppressions.put_suppression,
        body=SuppressionRequest,
        body_required=False,
        example={"reason": "asked by phone"},
        answers=(Answer(status=200, description="From now on.", schema=views.SuppressionView),),
    ),
    _operation(
        "deleteSuppression",
        "DELETE",
        _SUPPRESSION,
        places=_ADDRESS,
        summary="Allow mail to an address again",
        handle=suppressions.delete_suppression,
        query=_OF_STREAM,
        answers=(Answer(status=204, description="It is not suppressed."),),
        problems=("validation_failed", "bad_parameter"),
    ),
    _operation(
        "eraseRecipient",
        "POST",
        "/v1/recipients/erase",
        summary="Take a recipient out of all mails",
        description="In every mail of the project a token stands in the place of the address, for good. The content of "
        "these mails goes, and so does their metadata; other recipients, states and counts stay, and a suppression "
        "still holds. Mail queued for the recipient alone is cancelled first. After an interruption, repeat it.",
        handle=erasing.erase_recipient,
        body=ErasureRequest,
        example={"address": "bob@example.org", "dry_run": True},
        answers=(Answer(status=200, description="Done, or counted.", schema=views.ErasureView),),
        problems=("recipient_busy",),
    ),
)
