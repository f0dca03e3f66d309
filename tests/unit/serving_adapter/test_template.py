"""Requests by template."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.definition.template import RequestTemplate, TemplateError

LITERALS = st.text(max_size=20).filter(lambda text: "${" not in text and not text.endswith("$"))
JSON = '{"n": ${count}, "items": [${items}], "texts": [${quoted_items}]}'


@given(parts=st.lists(st.tuples(LITERALS, st.sampled_from(["${items}", "${count}", "$${items}", "$${"])), max_size=5))
def test_placeholders_are_replaced_and_everything_else_stays_as_it_is(parts: list[tuple[str, str]]) -> None:
    text = "".join(literal + placeholder for literal, placeholder in parts).replace("$${", "$${x}")
    text = text.replace("$${x}items}", "$${items}")
    item = "<${index}>" if any(placeholder == "${items}" for _, placeholder in parts) else ""
    values = {"${items}": "<0>;<1>", "${count}": "2", "$${items}": "${items}", "$${": "${x}"}
    expected = "".join(literal + values[placeholder] for literal, placeholder in parts)
    assert RequestTemplate(text, item, ";", most_items=3).render(2) == expected.encode()


@given(item=st.text(min_size=1, max_size=30).filter(lambda text: "${" not in text), count=st.integers(1, 4))
def test_quoted_items_are_json_whatever_they_hold(item: str, count: int) -> None:
    template = RequestTemplate('{"texts": [${quoted_items}]}', item, ", ", most_items=4)
    assert json.loads(template.render(count)) == {"texts": [item] * count}


def test_items_are_told_apart_by_their_index() -> None:
    template = RequestTemplate(JSON, "${index}", ", ", most_items=3)
    assert template.is_batched
    assert json.loads(template.render(3)) == {"n": 3, "items": [0, 1, 2], "texts": ["0", "1", "2"]}
    assert json.loads(template.render(1)) == {"n": 1, "items": [0], "texts": ["0"]}


def test_what_is_put_in_is_not_looked_at_again() -> None:
    template = RequestTemplate("${items}", "$${items} $${count} {0} %s {__class__}", "${count}", most_items=2)
    item = b"${items} ${count} {0} %s {__class__}"
    assert template.render(2) == item + b"${count}" + item


def test_without_placeholders_every_request_is_the_same() -> None:
    template = RequestTemplate("costs $5, ${", "", ", ", most_items=1)
    assert not template.is_batched
    assert template.render(1) == b"costs $5, ${"


@pytest.mark.parametrize(
    ("text", "item", "words"),
    [
        ("${item}", "x", "a request has no '\\${item}'"),
        ("${index}", "", "a request has no '\\${index}'"),
        ("${}", "", "a request has no '\\${}'"),
        ("${items.__class__}", "x", "a request has no"),
        ("${items}", "${items}", "an item has no '\\${items}', use \\${index}"),
        ("${items}", "", "a place without an item"),
        ("${count}", "x", "an item without a place"),
    ],
)
def test_a_template_that_is_wrong_is_refused(text: str, item: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        RequestTemplate(text, item, ", ", most_items=2)
