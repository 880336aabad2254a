"""The language of templates: what it says, what it refuses, and that nothing it is given can do more than look up."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.core.templating.faults import TemplateFault
from everpost.core.templating.filling import Compiled, compiled, fill
from everpost.core.templating.parsing import parse
from everpost.core.templating.rendering import Budget, render
from everpost.model.limits import (
    SUBJECT_CHARS_MAX,
    TEMPLATE_DEPTH_MAX,
    TEMPLATE_OUTPUT_CHARS_MAX,
    TEMPLATE_STEPS_MAX,
    TEMPLATE_TAGS_MAX,
)
from everpost.model.message import Address, Draft
from everpost.model.template import Template, Templated


def made(source, data=None, *, escapes=False, strict=False):
    return render(parse(source), data or {}, Budget(), escapes=escapes, strict=strict)


ITEMS = {"items": [{"name": "tea", "price": 3.5}, {"name": "milk", "price": 2}], "shop": {"name": "Corner"}}
SAID = {
    "a name": ("Dear {{name}}", {"name": "Bob"}, "Dear Bob"),
    "blanks around it": ("{{ name }}", {"name": "Bob"}, "Bob"),
    "a dotted name": ("{{shop.name}}", ITEMS, "Corner"),
    "an entry of a list": ("{{items.[1].name}} {{items.0.name}}", ITEMS, "milk tea"),
    "how many": ("{{items.length}}", ITEMS, "2"),
    "what is not there": ("[{{name}}{{a.b.c}}]", {"a": 1}, "[]"),
    "null": ("[{{name}}]", {"name": None}, "[]"),
    "numbers": ("{{a}} {{b}} {{c}} {{d}}", {"a": 1, "b": 2.0, "c": 2.5, "d": 1e30}, "1 2 2.5 1e+30"),
    "true and false": ("{{a}} {{b}}", {"a": True, "b": False}, "true false"),
    "a comment": ("a{{! b }}c{{!-- {{d}} --}}e", {}, "ace"),
    "if": ("{{#if a}}A{{else}}B{{/if}}{{#if b}}C{{/if}}", {"a": 1}, "A"),
    "else if": ("{{#if a}}A{{else if b}}B{{else}}C{{/if}}", {"b": 1}, "B"),
    "else if not at all": ("{{#if a}}A{{else if b}}B{{else}}C{{/if}}", {}, "C"),
    "unless": ("{{#unless a}}A{{else}}B{{/unless}}", {"a": []}, "A"),
    "what does not hold": ("{{#if a}}A{{/if}}{{#if b}}B{{/if}}{{#if c}}C{{/if}}", {"a": 0, "b": "", "c": []}, ""),
    "each": ("{{#each items}}{{name}},{{/each}}", ITEMS, "tea,milk,"),
    "each of texts": ("{{#each a}}{{this}}{{.}}{{/each}}", {"a": ["x", "y"]}, "xxyy"),
    "each of nothing": ("{{#each a}}x{{else}}none{{/each}}", {"a": []}, "none"),
    "each of an object": ("{{#each shop}}{{@key}}={{this}}{{/each}}", ITEMS, "name=Corner"),
    "where a loop stands": (
        "{{#each a}}{{@index}}{{#if @first}}<{{/if}}{{#if @last}}>{{/if}}{{/each}}",
        {"a": ["x", "y", "z"]},
        "0<12>",
    ),
    "the scope around": ("{{#each items}}{{name}}@{{../shop.name}} {{/each}}", ITEMS, "tea@Corner milk@Corner "),
    "all data": ("{{#each items}}{{@root.shop.name}} {{/each}}", ITEMS, "Corner Corner "),
    "with": ("{{#with shop}}{{name}}{{/with}}{{#with none}}x{{else}}y{{/with}}", ITEMS, "Cornery"),
    "a section of an object": ("{{#shop}}{{name}}{{/shop}}", ITEMS, "Corner"),
    "a section of a list": ("{{#items}}{{name}} {{/items}}", ITEMS, "tea milk "),
    "a section of nothing": ("{{#none}}x{{/none}}{{^none}}y{{/none}}", {}, "y"),
    "a section with its else": ("{{#none}}x{{^}}y{{/none}}", {}, "y"),
    "lines of blocks go": ("a\n{{#each b}}\n- {{this}}\n{{/each}}\nc\n", {"b": [1, 2]}, "a\n- 1\n- 2\nc\n"),
    "lines of values stay": ("a\n{{b}}\nc", {"b": "x"}, "a\nx\nc"),
    "white space that is taken away": ("a \n {{~b~}} \n c", {"b": "x"}, "axc"),
    "tags over several lines": ("{{#if\n  a}}{{\tb\n}}{{/\nif }}", {"a": 1, "b": "x"}, "x"),
    "braces that are no tags": ("a { b } }} c", {}, "a { b } }} c"),
}


@pytest.mark.parametrize(("source", "data", "text"), SAID.values(), ids=SAID)
def test_it_says(source, data, text):
    assert made(source, data) == text


def test_html_is_escaped_but_where_the_template_wants_it_raw():
    data = {"a": "<b> & \"c\" 'd' `e` f=g"}
    escaped = "&lt;b&gt; &amp; &quot;c&quot; &#x27;d&#x27; &#x60;e&#x60; f&#x3D;g"
    assert made("{{a}}|{{{a}}}|{{& a}}", data, escapes=True) == f"{escaped}|{data['a']}|{data['a']}"
    assert made("{{a}}", data) == data["a"]


REFUSED = {
    "no end": ("a\n{{b", "line 2: '{{b' has no end"),
    "an open block": ("\n\n{{#if a}}x", "line 3: the block is not closed: {{/if}}"),
    "a block closed twice": ("{{#if a}}{{/if}}{{/if}}", "closes nothing: no block is open"),
    "blocks across": ("{{#if a}}{{#each b}}{{/if}}{{/each}}", "{{/each}} is due"),
    "an else alone": ("{{else}}", "belongs to no block"),
    "two else": ("{{#if a}}{{else}}{{else}}{{/if}}", "belongs to no block"),
    "else if of a loop": ("{{#each a}}{{else if b}}{{/each}}", "after {{else}} stands nothing"),
    "an empty tag": ("{{ }}", "a tag is empty"),
    "a block without a name": ("{{#if}}{{/if}}", "{{#if}} names nothing"),
    "a helper": ("{{formatDate date 'YYYY'}}", "calls a helper"),
    "a helper as a block": ("{{#equals a b}}{{/equals}}", "calls a helper"),
    "a helper in brackets": ("{{#if (eq a b)}}{{/if}}", "calls a helper"),
    "a partial": ("{{> header}}", "can't take in another one"),
    "other marks": ("{{=<% %>=}}", "the marks of tags can't be changed"),
    "a raw block": ("{{{{raw}}}}", "a block can't be left unread"),
    "what a loop does not know": ("{{@level}}", "is not known"),
    "out of the data": ("{{#if a}}{{../b}}{{/if}}", "leads out of the data"),
    "out of the data by an else": ("{{#each a}}{{else}}{{../b}}{{/each}}", "leads out of the data"),
    "a text": ("{{'a'}}", "is no name"),
    "too deep": ("{{#if a}}" * (TEMPLATE_DEPTH_MAX + 1), "levels deep"),
    "too many tags": ("{{a}}" * (TEMPLATE_TAGS_MAX + 1), "more than"),
}


@pytest.mark.parametrize(("source", "words"), REFUSED.values(), ids=REFUSED)
def test_what_it_does_not_know_is_refused_when_it_is_read(source, words):
    with pytest.raises(TemplateFault, match=re.escape(words)):
        parse(source)


@pytest.mark.parametrize(("data", "words"), [({"a": [1]}, "'a' is a list"), ({"a": {}}, "'a' is no text")])
def test_what_is_no_text_is_refused(data, words):
    with pytest.raises(TemplateFault, match=f"line 2: {words}"):
        made("\n{{a}}", data)


def test_a_strict_template_refuses_what_is_missing_and_nothing_else():
    assert made("{{#if a}}x{{/if}}{{b}}", {"b": None}, strict=True) == ""
    with pytest.raises(TemplateFault, match=r"'a\.b' is not in the data"):
        made("{{a.b}}", {"a": {}}, strict=True)


# --- budgets ---------------------------------------------------------------------------------------------------------


def nested(width, depth):
    value = "x"
    for _ in range(depth):
        value = [value] * width
    return {"a": value}


def loops(depth, inside):
    return "{{#each a}}" + "{{#each this}}" * (depth - 1) + inside + "{{/each}}" * depth


@pytest.mark.parametrize("inside", ["{{this}}", "x", "", "{{#if no}}{{/if}}"])
def test_loops_within_loops_come_to_an_end(inside):
    with pytest.raises(TemplateFault, match=f"more than {TEMPLATE_STEPS_MAX} steps"):
        made(loops(5, inside), nested(20, 5))


@pytest.mark.parametrize("source", ["{{#each a}}{{@root.big}}{{/each}}", "{{#each a}}{{{@root.big}}}{{/each}}"])
def test_a_small_template_makes_no_large_mail(source):
    with pytest.raises(TemplateFault, match=f"more than {TEMPLATE_OUTPUT_CHARS_MAX} characters"):
        made(source, {"a": [1] * 1000, "big": "<" * 100_000}, escapes=True)


def test_all_parts_of_a_mail_share_one_budget():
    half = "x" * (TEMPLATE_OUTPUT_CHARS_MAX // 2)
    ready = compiled(Template(id="t", project="p", text="{{a}}", html="{{a}}b"))
    draft = Draft(sender=Address("ann@example.com"), subject="s")
    [error] = fill(ready, Templated(draft=draft, template="t", data={"a": half}))
    assert "more than" in error.message


# --- whatever it is given --------------------------------------------------------------------------------------------

TAGS = [
    "{{",
    "}}",
    "{{{",
    "}}}",
    "#",
    "/",
    "^",
    "!",
    "&",
    "~",
    ".",
    "../",
    "this",
    "@root",
    "@index",
    "else",
    "if ",
    "\n",
]
TAGS += [
    "{{#if a}}",
    "{{/if}}",
    "{{#each a}}",
    "{{/each}}",
    "{{#a}}",
    "{{/a}}",
    "{{^a}}",
    "{{a}}",
    "{{a.b}}",
    "{{else}}",
]
SOURCES = st.lists(st.sampled_from(TAGS) | st.text(max_size=3), max_size=30).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab") | st.text(max_size=3), inner),
    max_leaves=10,
)
DATA = st.dictionaries(st.sampled_from("ab"), JSON)


@given(source=SOURCES, data=DATA, escapes=st.booleans(), strict=st.booleans())
def test_nothing_but_its_own_fault_is_raised_and_what_it_makes_is_bounded(source, data, escapes, strict):
    try:
        text, words = made(source, data, escapes=escapes, strict=strict), "line 1: "
    except TemplateFault as fault:
        text, words = "", str(fault)
    assert len(text) <= TEMPLATE_OUTPUT_CHARS_MAX
    assert re.fullmatch(r"line \d+: .*", words)


@given(st.text().filter(lambda text: "{{" not in text))
def test_a_text_without_tags_stays_as_it_is(text):
    assert made(text, {"a": 1}, escapes=True) == text


@given(st.text(alphabet=st.characters(blacklist_characters="\0\r", blacklist_categories=["Cs", "Cc"])))
def test_a_value_in_html_is_text_and_in_text_is_itself(value):
    inside = made("{{a}}", {"a": value}, escapes=True)
    assert not set("<>\"'`=") & set(inside)
    assert unescape(inside) == value
    assert made("{{a}}", {"a": value}) == value


@given(st.text())
def test_no_value_is_read_as_a_template(value):
    assert made("{{a}}{{{a}}}", {"a": value + "{{b}}{{#if b}}", "b": "x"}) == (value + "{{b}}{{#if b}}") * 2


ESCAPES = [
    "{{''.__class__.__mro__}}",
    "{{ self.__init__.__globals__ }}",
    "{{a.__class__}}",
    "{{a.__class__.__base__.__subclasses__}}",
    "{{#with a.constructor}}{{prototype}}{{/with}}",
    "{{constructor.constructor}}",
    "{{__proto__}}",
    '{{#with "s" as |string|}}{{/with}}',
    "{{lookup this 'constructor'}}",
    "{{a.[__class__]}}",
    "{{@root.__class__}}",
    "{{a|attr('__class__')}}",
    "{{cycler.__init__.__globals__.os.popen('id').read()}}",
    "{{config.items()}}",
    "{{#each a.__dict__}}{{this}}{{/each}}",
    "{{a.format}}{{a.upper}}{{b.append}}{{b.__len__}}",
    "{{request.application.__globals__}}",
    "{{ joiner.__init__ }}",
    "{{7*7}}",
    "{% for x in a.__class__ %}{% endfor %}",
    "${a.__class__}",
    "<%= a %>",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_no_way_leads_out_of_the_data(source):
    """Those of Jinja, Handlebars and Mustache that are known: a literal text, nothing, or a refusal."""
    try:
        text = made(source, {"a": "x", "b": [1]})
    except TemplateFault:
        return
    assert text in ("", source)


# --- a mail's words --------------------------------------------------------------------------------------------------

DRAFT = Draft(sender=Address("ann@example.com"), to=(Address("bob@example.org"),))


def filled(template, data, draft=DRAFT, **more):
    ready = compiled(Template(id="t", project="p", **template))
    assert isinstance(ready, Compiled)
    return fill(ready, Templated(draft=draft, template="t", data=data, **more))


def test_each_part_is_filled_in_and_only_html_is_escaped():
    found = filled({"subject": "{{a}}", "text": "{{a}}", "html": "{{a}}"}, {"a": "B&B"})
    assert (found.subject, found.text, found.html) == ("B&B", "B&B", "B&amp;B")


def test_defaults_stand_where_the_data_has_nothing():
    template = {"subject": "{{a}}{{b}}", "text": "x", "defaults": {"a": "1", "b": "2"}, "strict": True}
    assert filled(template, {"b": "3"}).subject == "13"


@pytest.mark.parametrize(
    ("own", "of_template", "other", "subject"),
    [("mine", "its", "last", "mine"), ("", "its", "last", "its"), ("", None, "last", "last")],
)
def test_whose_subject_it_is(own, of_template, other, subject):
    draft = Draft(sender=Address("ann@example.com"), subject=own)
    assert filled({"subject": of_template, "text": "x"}, {}, draft, subject=other).subject == subject


@pytest.mark.parametrize(
    ("template", "data", "field", "words"),
    [
        ({"text": "x"}, {}, "subject", "is missing"),
        ({"subject": "{{a}}", "text": "x"}, {"a": "7\r\nBcc: eve@example.net"}, "subject", "control character"),
        ({"subject": "{{a}}", "text": "x"}, {"a": "7\u2028Bcc: eve@example.net"}, "subject", "control character"),
        ({"subject": "{{a}}", "text": "x"}, {"a": "x" * (SUBJECT_CHARS_MAX + 1)}, "subject", str(SUBJECT_CHARS_MAX)),
        ({"subject": "s", "text": "{{a}}"}, {}, "template", "without content"),
        ({"subject": "s", "text": "{{a}}"}, {"a": "\0"}, "text", "NUL"),
        ({"subject": "s", "html": "\n{{a}}"}, {"a": [1]}, "template", "t, html, line 2: 'a' is a list"),
    ],
)
def test_what_no_mail_may_hold_is_refused(template, data, field, words):
    [error] = filled(template, data)
    assert error.field == field
    assert words in error.message


def test_every_part_that_can_t_be_read_is_named():
    errors = compiled(Template(id="t", project="p", subject="{{", text="x", html="{{#if a}}"))
    assert [error.field for error in errors] == ["subject", "html"]
