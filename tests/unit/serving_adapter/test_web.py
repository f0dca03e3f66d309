"""The client of HTTP/1.1, against a real server that answers as badly as it can."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.web import Endpoint, connection, endpoint, pool
from tests.unit.serving_adapter.faulty_server import (
    Behaviour,
    Exchange,
    FaultyServer,
    HangUpError,
    chunked,
    cut_off,
    drip,
    events,
    garbage,
    hang_up,
    huge,
    reply,
    silence,
)

LONG_S = 60.0


@contextlib.contextmanager
def endpoint_of(server: FaultyServer, path: str = "", timeout_s: float = LONG_S, **settings: int) -> Iterator[Endpoint]:
    asked = Endpoint(server.url + path, timeout_s, {"X-Ours": "yes"}, **settings)
    try:
        yield asked
    finally:
        asked.close()


def raw(head: bytes, body: bytes = b"") -> Behaviour:
    def answer(exchange: Exchange) -> None:
        exchange.send(head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body)

    return answer


def one_sentence(error: BaseException) -> bool:
    text = str(error)
    return text.endswith((".", "?")) and "\n" not in text and text[:1].isupper()


def test_a_request_arrives_as_it_was_made_and_the_answer_as_it_was_given(server: FaultyServer) -> None:
    server.answers(reply(b'{"a": 1}', 418, {"X-Kind": "teapot", "Set-Cookie": "a=1"}))
    with endpoint_of(server, "/base/?key=1") as asked:
        answer = asked.request("POST", "/v2/models", b"hello", {"Content-Type": "text/plain"})
    request = server.requests[0]
    assert (request.method, request.target, request.body) == ("POST", "/base/v2/models?key=1", b"hello")
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert (request.headers["x-ours"], request.headers["content-type"]) == ("yes", "text/plain")
    assert (answer.status, answer.headers["x-kind"], answer.body) == (418, "teapot", b'{"a": 1}')


@pytest.mark.parametrize(
    ("path", "below", "target"),
    [("", "", "/"), ("/", "", "/"), ("/a", "", "/a"), ("/a/", "", "/a/"), ("/a/", "/b", "/a/b"), ("?x=1", "", "/?x=1")],
)
def test_paths_are_put_together(server: FaultyServer, path: str, below: str, target: str) -> None:
    with endpoint_of(server, path) as asked:
        asked.request("GET", below)
    assert server.requests[0].target == target
    assert "content-length" not in server.requests[0].headers


def test_one_connection_serves_request_after_request(server: FaultyServer) -> None:
    server.answers(reply(), chunked([b"ab", b"c"]), raw(b"HTTP/1.1 204 No Content"), reply(b"", 304), reply(b"end"))
    with endpoint_of(server) as asked:
        assert [asked.request("POST", "").body for _ in range(5)] == [b"{}", b"abc", b"", b"", b"end"]
    assert server.connections == 1


def test_each_of_several_requests_at_once_has_a_connection_to_itself(server: FaultyServer) -> None:
    together = threading.Barrier(4, timeout=LONG_S)

    def answer(exchange: Exchange) -> None:
        together.wait()
        reply(exchange.request.body)(exchange)

    server.answers(answer)
    with endpoint_of(server) as asked, ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            bodies = [b"%d" % number for number in range(4)]
            assert list(threads.map(lambda body: asked.request("POST", "", body).body, bodies)) == bodies
    assert server.connections == 4


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\nContent-Length: 2",
        b"HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close",
        b"HTTP/1.1 200 OK\nContent-Length: 2\nConnection: Keep-Alive, Close",
    ],
)
def test_a_connection_that_the_server_does_not_keep_is_not_used_again(server: FaultyServer, head: bytes) -> None:
    server.answers(raw(head, b"{}"))
    with endpoint_of(server) as asked:
        assert [asked.request("POST", "").body for _ in range(2)] == [b"{}", b"{}"]
    assert server.connections == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_once_more(server: FaultyServer) -> None:
    with endpoint_of(server) as asked:
        asked.request("GET", "")
        server.stop()
        server.start()
        assert asked.request("GET", "").status == 200
    assert len(server.requests) == 2


def test_a_server_that_hangs_up_on_a_request_has_failed_it(server: FaultyServer) -> None:
    server.answers(reply(), hang_up(), reply())
    with endpoint_of(server) as asked:
        asked.request("GET", "")
        with pytest.raises(RequestFailedError, match="did not come"):
            asked.request("GET", "")
    assert len(server.requests) == 2


def test_a_request_on_a_connection_that_was_idle_for_long_is_sent_once_more(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_SHORTEST_KEEPING_S", 0.0)
    server.answers(reply(), hang_up(), reply(b"again"), hang_up())
    with endpoint_of(server) as asked:
        asked.request("GET", "")
        assert asked.request("GET", "").body == b"again"
        with pytest.raises(RequestFailedError, match="did not come"):
            asked.request("GET", "")
    assert len(server.requests) == 5


def test_an_answer_that_nobody_asked_for_is_never_taken_for_that_of_the_next_request(server: FaultyServer) -> None:
    surplus = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsurplus"
    server.answers(raw(b"HTTP/1.1 200 OK\nContent-Length: 5", b"first" + surplus), reply(b"second"))
    with endpoint_of(server) as asked:
        assert asked.request("POST", "").body == b"first"
        assert asked.request("POST", "").body == b"second"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (garbage(), "does not begin like one of HTTP"),
        (garbage(b""), "did not come"),
        (garbage(b"HTTP/1.1 200"), "ended too early"),
        (garbage(b"\0" * 100_000), "line of more than"),
        (raw(b"HTTP/1.1 200 OK\nContent-Length: -1"), "Content-Length that is none"),
        (raw(b"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3", b"abc"), "Content-Length that is none"),
        (raw(b"HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked"), "transfer coding"),
        (raw(b"HTTP/1.1 200 OK\nno colon here"), "header that is none"),
        (raw(b"HTTP/1.1 200 OK" + b"\nX: y" * 200), "more than 128 headers"),
        (raw(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"zz\r\n"), "chunk without a size"),
        (raw(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"1\r\nabc\r\n"), "longer than it says"),
        (chunked([b"abc"], cut=True), "ended too early"),
        (cut_off(b"abcdef", 3), "ended too early"),
        (garbage(b"HTTP/1.1 100 Continue\r\n\r\n"), "ended too early"),
    ],
)
def test_garbage_is_one_failed_request_in_one_sentence(server: FaultyServer, behaviour: Behaviour, words: str) -> None:
    def and_hang_up(exchange: Exchange) -> None:
        behaviour(exchange)
        raise HangUpError

    server.answers(and_hang_up, reply())
    with endpoint_of(server) as asked:
        with pytest.raises(RequestFailedError, match=words) as raised:
            asked.request("POST", "/v2")
        assert one_sentence(raised.value)
        assert f"{server.url} was asked POST /v2" in str(raised.value)
        assert asked.request("POST", "/v2").status == 200


def test_interim_answers_are_passed_over_but_not_for_ever(server: FaultyServer) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    server.answers(garbage(interim * 2 + final), garbage(interim * 100))
    with endpoint_of(server) as asked:
        assert asked.request("POST", "").body == b"x"
        with pytest.raises(RequestFailedError, match="only interim ones"):
            asked.request("POST", "")


@pytest.mark.parametrize(
    "behaviour", [silence(), drip(b"x" * 10_000, 0.02), reply(delay_s=LONG_S), chunked([b"x"] * 10_000, 0.02)]
)
def test_no_server_holds_a_request_past_its_deadline(server: FaultyServer, behaviour: Behaviour) -> None:
    server.answers(behaviour)
    with endpoint_of(server, timeout_s=0.3) as asked:
        start_s = time.monotonic()
        with pytest.raises(RequestFailedError, match=r"was not complete within 0\.3 s") as raised:
            asked.request("POST", "")
    assert 0.3 <= time.monotonic() - start_s < LONG_S / 2
    assert one_sentence(raised.value)


@pytest.mark.parametrize(
    "behaviour", [huge(1 << 22), huge(1 << 22, announced=False), huge(1 << 40), chunked([bytes(70_000)] * 20)]
)
def test_an_answer_is_read_up_to_the_bound_and_no_further(server: FaultyServer, behaviour: Behaviour) -> None:
    server.answers(behaviour, reply())
    with endpoint_of(server, longest_answer_bytes=1 << 20) as asked:
        with pytest.raises(RequestFailedError, match="is longer than 1048576 bytes"):
            asked.request("POST", "")
        assert asked.request("POST", "").status == 200


def test_an_answer_of_exactly_the_bound_is_read(server: FaultyServer) -> None:
    server.answers(reply(bytes(1000)), chunked([bytes(500)] * 2), huge(1000, announced=False))
    with endpoint_of(server, longest_answer_bytes=1000) as asked:
        assert [len(asked.request("POST", "").body) for _ in range(3)] == [1000, 1000, 1000]


def test_large_bodies_cross_in_both_directions(server: FaultyServer) -> None:
    body = bytes(range(256)) * 20_000
    server.answers(lambda exchange: reply(exchange.request.body)(exchange))
    with endpoint_of(server) as asked:
        assert asked.request("POST", "", body).body == body


def test_a_server_that_is_down_is_named_and_one_that_comes_back_is_used(server: FaultyServer) -> None:
    server.stop()
    with endpoint_of(server) as asked:
        words = r"cannot be reached \(ConnectionRefusedError: .*\): is it running\?"
        with pytest.raises(RequestFailedError, match=words) as down:
            asked.request("GET", "")
        server.start()
        assert asked.request("GET", "").status == 200
    assert one_sentence(down.value)
    nowhere = Endpoint("http://nowhere.invalid")
    with pytest.raises(RequestFailedError, match="cannot be reached"):
        nowhere.request("GET", "")


def test_a_connection_with_itself_is_none(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class BoundToTheServersPort(socket.socket):
        def connect(self, address: Any) -> None:
            self.bind(address)  # what the kernel chooses by chance, once in some thousand times
            super().connect(address)

    server.stop()
    with endpoint_of(server) as asked, monkeypatch.context() as patch:
        patch.setattr(connection.socket, "socket", BoundToTheServersPort)
        with pytest.raises(RequestFailedError, match=r"cannot be reached .ConnectionRefusedError"):
            asked.request("GET", "")
    server.start()


def test_closing_ends_what_is_under_way_and_refuses_what_comes_later(server: FaultyServer) -> None:
    server.answers(silence())
    with endpoint_of(server) as asked, ThreadPoolExecutor(1) as threads:
        asking = threads.submit(asked.request, "POST", "")
        while not server.requests:
            time.sleep(0.001)
        asked.close()
        with pytest.raises(RequestFailedError, match="did not come"):
            asking.result(LONG_S)
        with pytest.raises(AdapterError, match="was closed"):
            asked.request("POST", "")


def test_lines_come_one_by_one_while_the_answer_is_still_under_way(server: FaultyServer) -> None:
    may_go_on = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        exchange.chunk(b"data: on")
        exchange.chunk(b"e\r\ndata: two\n\nda")
        assert may_go_on.wait(LONG_S)
        exchange.chunk(b"ta: three")
        exchange.send(b"0\r\n\r\n")

    server.answers(answer)
    with endpoint_of(server) as asked:
        lines = asked.stream("POST", "/v1", b"{}")
        assert [next(lines) for _ in range(3)] == [b"data: one", b"data: two", b""]
        may_go_on.set()
        assert list(lines) == [b"data: three"]
        assert len(list(asked.stream("POST", "/v1", b"{}"))) == 4
    assert server.connections == 1


def test_a_stream_that_is_left_early_does_not_spoil_the_next_request(server: FaultyServer) -> None:
    server.answers(events([b"1", b"2", b"3"]), reply(b"next"))
    with endpoint_of(server) as asked:
        lines = asked.stream("POST", "")
        assert next(lines) == b"data: 1"
        del lines
        assert asked.request("POST", "").body == b"next"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (reply(b'{"error": "no such\nmodel."}', 404), 'status 404: {"error": "no such model."}'),
        (reply(b"x" * 1_000_000, 500), "status 500: x{300}…"),
        (events([b"1"], cut=True), "ended too early"),
        (chunked([b"x" * 40_000] * 100), "has a line of more than 1048576 bytes"),
        (events([b"1"] * 10_000, gap_s=0.02), "was not complete within 0.3 s"),
    ],
)
def test_a_stream_that_fails_says_why(server: FaultyServer, behaviour: Behaviour, words: str) -> None:
    server.answers(behaviour)
    with (
        endpoint_of(server, timeout_s=LONG_S if "0.3 s" not in words else 0.3) as asked,
        pytest.raises(RequestFailedError, match=words) as raised,
    ):
        list(asked.stream("POST", "/v1"))
    assert one_sentence(raised.value)
    assert len(str(raised.value)) < 500


@given(text=st.lists(st.binary(max_size=20)).map(b"\n".join), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_lines_are_the_same_however_the_answer_is_cut(text: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    expected = text.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    lines = list(endpoint._lines(iter(pieces)))
    assert [line.removesuffix(b"\r") for line in lines] == [line.removesuffix(b"\r") for line in expected]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:8000", "write it like http://"),
        ("ftp://host/", "write it like http://"),
        ("http://", "write it like http://"),
        ("http://host:0/", "write it like http://"),
        ("http://host:99999/", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        ("http://host/a b", "write it like http://"),
        ("http://host/\r\nX: y", "write it like http://"),
        ("http://höst/", "write it like http://"),
        ("http://host/#part", "write it like http://"),
        ("http://me:secret@host/", "holds a user or a password"),
        ("http://me:secret@host:99999/", "holds a user or a password"),
        ("//secret@[", "holds a user or a password"),
    ],
)
def test_a_url_that_is_none_is_refused_without_showing_a_password(url: str, words: str) -> None:
    with pytest.raises(AdapterError, match=words) as raised:
        Endpoint(url)
    assert not isinstance(raised.value, RequestFailedError)
    assert "secret" not in str(raised.value)
    assert one_sentence(raised.value)


def test_headers_methods_and_paths_cannot_smuggle_a_second_request(server: FaultyServer) -> None:
    for headers in ({"X": "secret\r\nY: z"}, {"X Y": "secret"}, {"Content-Length": "3"}, {"X": "secret€"}):
        with pytest.raises(AdapterError) as raised:
            Endpoint(server.url, headers=headers)
        assert "secret" not in str(raised.value)
    with endpoint_of(server) as asked:
        asking = [("GET /x HTTP/1.1\r\n", ""), ("", ""), ("GET", "/a b"), ("GET", "/a\r\nX: y"), ("GET", "a")]
        for method, path in asking:
            with pytest.raises(AdapterError):
                asked.request(method, path)
    assert not server.requests


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(timeout_s: float) -> None:
    with pytest.raises(AdapterError, match="use a time above zero"):
        Endpoint("http://127.0.0.1", timeout_s)
