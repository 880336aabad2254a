"""The operations on templates."""

from typing import Any, Final

from everpost.dialects.native.templates import RenderRequest, TemplatePage, TemplateRequest, TemplateView, WordsView
from everpost.entrypoints.http import templates
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.model.key import Scope
from everpost.model.limits import TEMPLATES_MAX

_ALL: Final = "/v1/templates"
_ONE: Final = "/v1/templates/{id}"


def _operation(id_: str, method: str, path: str, **fields: Any) -> Operation:
    return Operation(id=id_, method=method, path=path, tag="Templates", **{"scope": Scope.ADMIN, **fields})


TEMPLATES: Final = (
    _operation(
        "listTemplates",
        "GET",
        _ALL,
        summary="Templates of the key's project, without their sources",
        handle=templates.list_templates,
        scope=Scope.READ,
        answers=(Answer(status=200, description="All of them, by their ids.", schema=TemplatePage),),
    ),
    _operation(
        "getTemplate",
        "GET",
        _ONE,
        summary="A template with its sources",
        handle=templates.get_template,
        scope=Scope.SEND,
        answers=(Answer(status=200, description="The template.", schema=TemplateView),),
        problems=("not_found",),
    ),
    _operation(
        "putTemplate",
        "PUT",
        _ONE,
        summary="Make a template, or change it as a whole",
        description="Its id is yours: a provider's own, say, so that callers need not change. A project has at most "
        f"{TEMPLATES_MAX}.",
        handle=templates.put_template,
        body=TemplateRequest,
        example={"subject": "Your order {{ order }}", "html": "<p>Dear {{ name }}, thank you.</p>"},
        answers=(Answer(status=200, description="As it is now.", schema=TemplateView),),
        problems=("too_many_templates",),
    ),
    _operation(
        "deleteTemplate",
        "DELETE",
        _ONE,
        summary="Delete a template",
        description="Mail that was accepted has its words, and goes out as before.",
        handle=templates.delete_template,
        answers=(Answer(status=204, description="It is gone."),),
        problems=("not_found",),
    ),
    _operation(
        "renderTemplate",
        "POST",
        f"{_ONE}/render",
        summary="Fill a template in, and send nothing",
        handle=templates.preview_template,
        scope=Scope.SEND,
        body=RenderRequest,
        body_required=False,
        example={"data": {"name": "Bob", "order": 7}},
        answers=(Answer(status=200, description="What it becomes.", schema=WordsView),),
        problems=("not_found",),
    ),
)
