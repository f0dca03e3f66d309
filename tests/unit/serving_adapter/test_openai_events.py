"""Server-sent events: what the standard says, and what servers do."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving_adapter.openai.events import LONGEST_EVENT_BYTES, BadStreamError, Event, events


def parsed(stream: bytes) -> list[Event]:
    return list(events(stream.splitlines(keepends=True)))


def message(*lines: str) -> Event:
    return Event("message", "\n".join(lines))


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: one\n\ndata: two\n\n", [message("one"), message("two")]),
        (b"data: one\r\n\r\ndata: two\r\n\r\n", [message("one"), message("two")]),
        (b"data: one\r\rdata: two\r\r", [message("one"), message("two")]),
        (b"data:one\n\n", [message("one")]),
        (b"data:  one\n\n", [message(" one")]),
        (b"data: one\ndata: two\ndata\n\n", [message("one", "two", "")]),
        (b": ping\n\ndata: one\n: pong\n\n", [message("one")]),
        (b"id: 7\nretry: 10\ndata: one\n\n", [message("one")]),
        (b"\n\n\nevent: nothing\n\ndata: one\n\n", [message("one")]),
        (b"event: error\ndata: one\n\ndata: two\n\n", [Event("error", "one"), message("two")]),
        (b'error: {"code": 400}\n\n', [Event("error", '{"code": 400}')]),
        (b"\xef\xbb\xbfdata: one\n\n", [message("one")]),
        (b"data: one\n\ndata: [DONE]\n", [message("one"), message("[DONE]")]),
        (b"data: one\n\ndata: [DONE]", [message("one"), message("[DONE]")]),
        ("data: zwölf 十二\n\n".encode(), [message("zwölf 十二")]),
        (b"data: \xff\n\n", [message("\ufffd")]),
        (b"", []),
        (b": ping\n\n: ping\n\n", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says_but_for_what_servers_do(stream: bytes, expected: list[Event]) -> None:
    assert parsed(stream) == expected


@pytest.mark.parametrize(
    "stream", [b"<html>busy</html>\n", b'{"choices": []}\n', b"\x00\x01\x02", b"data one\n\n", b"Data: one\n\n"]
)
def test_what_is_no_stream_of_events_is_refused(stream: bytes) -> None:
    with pytest.raises(BadStreamError, match="something else than a stream of events"):
        parsed(stream)


@pytest.mark.parametrize("line", [b"data: " + bytes(1000).replace(b"\0", b"x") + b"\n", b": " + b"p" * 1000 + b"\n"])
def test_an_event_without_end_is_cut_off(line: bytes) -> None:
    def flood() -> Iterator[bytes]:
        for _ in range(2 * LONGEST_EVENT_BYTES // len(line)):
            yield line
        pytest.fail("the flood was drunk to the end")

    with pytest.raises(BadStreamError, match=f"more than {LONGEST_EVENT_BYTES} bytes"):
        list(events(flood()))


def test_many_events_may_be_longer_than_one() -> None:
    long = b"data: " + b"x" * (LONGEST_EVENT_BYTES // 2)
    assert len(list(events([long, b""] * 5))) == 5


def test_an_event_is_there_as_soon_as_its_last_line_is() -> None:
    taken = []

    def lines() -> Iterator[bytes]:
        for line in (b"data: one", b"", b"data: two", b""):
            taken.append(line)
            yield line

    assert next(events(lines())) == message("one")
    assert taken == [b"data: one", b""]


datas = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1, max_size=3)
noises = st.sampled_from(["", ": ping", "id: 1", "retry: 5", ":"])
ends = st.sampled_from(["\n", "\r\n"])


@given(st.lists(st.tuples(datas, noises), max_size=5), ends)
@example([(["", ""], "")], "\r\n")
def test_whatever_data_is_sent_comes_back(sent: list[tuple[list[str], str]], end: str) -> None:
    stream = "".join(
        f"{noise}{end}" + "".join(f"data: {line}{end}" for line in lines) + end for lines, noise in sent
    ).encode()
    lines = re.findall(rb"[^\n]*\n", stream)
    assert list(events(lines)) == [message(*data) for data, _ in sent]


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_random_lines_are_events_or_are_refused(lines: list[bytes]) -> None:
    try:
        found = list(events(lines))
    except BadStreamError as error:
        assert "\n" not in str(error)
    else:
        assert len(found) <= sum(line.count(b"\r") + 1 for line in lines)
