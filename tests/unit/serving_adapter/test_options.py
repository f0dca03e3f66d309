"""Options and serving parameters, as definitions state them."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import (
    check_options,
    flag_option,
    number_option,
    text_option,
    text_table_option,
    texts_option,
    whole_number_option,
)
from serving_adapter.definition.settings import ServingSettings, batch_size_parameter, concurrency_parameter
from serving_adapter.words import quote


def of(**options: Any) -> WorkloadDefinition:
    return WorkloadDefinition("tested", options)


def test_an_option_that_is_there_is_returned_and_one_that_is_not_has_its_default() -> None:
    there = of(text="a", number=2, whole=3, flag=False, texts=["a"], table={"a": "b"}, empty="")
    assert text_option(there, "text") == text_option(there, "text", choices=("a", "b")) == "a"
    assert text_option(there, "empty", "default") == ""
    assert isinstance(number_option(there, "number", 1.0), float)
    assert (whole_number_option(there, "whole", 0), flag_option(there, "flag", default=True)) == (3, False)
    assert (texts_option(there, "texts"), text_table_option(there, "table")) == (["a"], {"a": "b"})
    assert (text_option(of(), "text", "b"), number_option(of(), "number", 1.5)) == ("b", 1.5)
    assert (whole_number_option(of(), "whole", 7), flag_option(of(), "flag", default=True)) == (7, True)
    assert (texts_option(of(), "texts"), text_table_option(of(), "table")) == ([], {})


@pytest.mark.parametrize(
    ("read", "wrong", "words"),
    [
        (lambda given: text_option(given, "it"), [3, None, "", True, ["a"]], "a text|lacks the option"),
        (lambda given: text_option(given, "it", "a", choices=("a", "b")), ["c", ""], "must be 'a' or 'b'"),
        (
            lambda given: number_option(given, "it", 1.0),
            [0, -1, math.nan, math.inf, 10**400, True, "1"],
            "a number above zero",
        ),
        (lambda given: number_option(given, "it", 1.0, least=0.0), [-0.1, math.nan, math.inf, False], "at least 0"),
        (lambda given: whole_number_option(given, "it", 1), [-1, 1.0, True, "1"], "whole number of at least 0"),
        (lambda given: whole_number_option(given, "it", 1, least=1), [0], "whole number of at least 1"),
        (lambda given: flag_option(given, "it", default=True), [0, 1, "true"], "must be true or false"),
        (lambda given: texts_option(given, "it"), ["a", [1], {"a": "b"}], "a list of texts"),
        (lambda given: text_table_option(given, "it"), [["a"], {"a": 1}, "a"], "a table of texts"),
    ],
)
def test_an_option_of_another_kind_is_refused_in_one_sentence(
    read: Callable[[WorkloadDefinition], Any], wrong: list[Any], words: str
) -> None:
    for value in wrong:
        with pytest.raises(AdapterError, match=words) as raised:
            read(of(it=value))
        assert "'it'" in str(raised.value)
        assert "'tested'" in str(raised.value)
        assert str(raised.value).endswith(".")


def test_a_long_value_is_not_shown_whole() -> None:
    with pytest.raises(AdapterError) as raised:
        number_option(of(it="x" * 10_000), "it", 1.0)
    assert len(str(raised.value)) < 300


def test_an_unknown_option_is_refused_with_those_that_exist() -> None:
    check_options(of(url="x"), ("url", "model"))
    check_options(of(), ("url",))
    with pytest.raises(AdapterError, match=r"option 'ulr', which its adapter does not know: use model, url\."):
        check_options(of(url="x", ulr="y"), ("url", "model"))


def test_settings_begin_with_the_smallest_batch_and_the_highest_concurrency() -> None:
    definition = WorkloadDefinition("tested", {}, {"batch_size": [8, 2], "concurrency": [4, 16]})
    settings = ServingSettings([batch_size_parameter(definition), concurrency_parameter(definition)])
    assert settings.current() == {"serving.batch_size": 2, "serving.concurrency": 16}
    assert (settings.largest_batch, settings.concurrency) == (8, 16)
    settings.configure({"serving.concurrency": 4})
    assert settings.concurrency == 4
    with pytest.raises(AdapterError, match=r"cannot be 5: choose one of 4, 16"):
        settings.configure({"serving.batch_size": 8, "serving.concurrency": 5})
    assert settings.current() == {"serving.batch_size": 2, "serving.concurrency": 4}


def test_settings_without_parameters_serve_one_item_at_a_time() -> None:
    settings = ServingSettings([])
    assert (settings.largest_batch, settings.concurrency, settings.current()) == (1, 1, {})
    settings.check_batch(1)
    for items in (0, 2, -1):
        with pytest.raises(AdapterError, match="use 1 to 1"):
            settings.check_batch(items)


def test_one_value_where_the_definition_says_nothing() -> None:
    assert batch_size_parameter(of()).values == (1,)
    assert concurrency_parameter(of()).values == (64,)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "nothing"),
        (b" \n\t", "nothing"),
        (b"no such model.\n", "no such model"),
        (b"two\r\nlines\x1b[31m red\x00", "two lines [31m red"),
        ("väl \u202e\u2028 x".encode(), "väl x"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 10_000, "x" * 300 + "…"),
    ],
)
def test_foreign_words_are_shown_short_on_one_line_and_printable(data: bytes, shown: str) -> None:
    assert quote(data) == shown
