"""The text format of Prometheus: read as it is meant, refused as a whole if it is not, whatever a server sends."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_adapter.metrics import exposition
from serving_adapter.metrics.exposition import ExpositionError, parse_exposition, parse_number, parse_selector
from tests.unit.serving_adapter.exposition_text import line, page

# The example of prometheus.io, "Exposition formats", with its irregular spaces and its timestamps before the epoch.
EXAMPLE = b"""# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

# A histogram, which has a pretty complex representation in the text format:
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320

\trpc_duration_seconds{ quantile = "0.01" , } 3102\t
"""


def value_of(content: bytes, name: str) -> float:
    (sample,) = parse_exposition(content).samples[name]
    return sample.value


def test_the_example_of_the_format_is_read_as_it_is_meant():
    seen = parse_exposition(EXAMPLE)
    posted = seen.samples["http_requests_total"]
    assert [(dict(sample.labels), sample.value) for sample in posted] == [
        ({"method": "post", "code": "200"}, 1027.0),
        ({"method": "post", "code": "400"}, 3.0),
    ]
    (access,) = seen.samples["msdos_file_access_time_seconds"]
    assert access.labels == {"path": "C:\\DIR\\FILE.TXT", "error": 'Cannot find file:\n"FILE.TXT"'}
    assert value_of(EXAMPLE, "something_weird") == math.inf
    (quantile,) = seen.samples["rpc_duration_seconds"]
    assert (dict(quantile.labels), quantile.value) == ({"quantile": "0.01"}, 3102.0)
    assert seen.declared == {"http_requests_total", "http_request_duration_seconds"}


def test_what_openmetrics_adds_is_read_too():
    seen = parse_exposition(
        b"# TYPE answers counter\n# UNIT answers seconds\n"
        b'answers_total{code="200"} 7 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67\n'
        b'answers_bucket{le="+Inf"} 7 # {} 0.67 1520879607.789\n# EOF\nthis is not looked at'
    )
    assert seen.samples["answers_total"][0].value == 7.0
    assert seen.knows("answers_total")


@pytest.mark.parametrize(
    ("name", "known"),
    [("a_total", True), ("a", True), ("b_sum", True), ("b_count", True), ("c", True), ("d", False), ("c_total", False)],
)
def test_a_metric_is_known_once_it_is_announced_or_counted(name, known):
    assert parse_exposition(b'# TYPE a counter\n# HELP b words\nc_bucket{le="1"} 0\n').knows(name) is known


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("+1.5e-3", 0.0015), (".5", 0.5), ("5.", 5.0), ("1E6", 1e6), ("Inf", math.inf), ("-inf", -math.inf)],
)
def test_numbers_as_servers_write_them(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["NaN", "Nan", "nan"])
def test_no_number_as_servers_in_go_cpp_and_python_write_it(text):
    assert math.isnan(parse_number(text))


@pytest.mark.parametrize("text", ["", "1_000", "0x1p-2", "\u0661", "1e", "--1", "1 ", "infinit", "1.2.3", ".", "e5"])
def test_what_python_or_c_would_take_for_a_number_and_the_format_does_not(text):
    with pytest.raises(ExpositionError):
        parse_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "1name 1",
        "name",
        "name 1 2 3",
        "name one",
        "name 1 soon",
        "name{a=1} 1",
        'name{a="1" b="2"} 1',
        'name{a="1"',
        'name{a="1} 1',
        "name{,} 1",
        'name{1a="1"} 1',
        'name{a="1",a="2"} 1',
        "name{} ",
        "name+1",
        "name 1 # no exemplar",
        "<!DOCTYPE html>",
        '{"error":"not found"}',
        "name 1\nname 2",
        'n{a="1",b="2"} 1\nn{b="2",a="1"} 1',
        "name \u0661",
        "name 1\x0b2",
    ],
)
def test_one_malformed_line_refuses_the_whole_answer_in_one_sentence(text):
    with pytest.raises(ExpositionError) as refused:
        parse_exposition(f"good 1\n{text}\n".encode())
    sentence = str(refused.value)
    assert sentence.startswith("Line ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 300


def test_what_is_not_text_is_refused():
    with pytest.raises(ExpositionError, match="UTF-8"):
        parse_exposition(b"name 1\n\xff\xfe")


def test_no_server_has_so_many_samples_or_so_long_a_line(monkeypatch):
    monkeypatch.setattr(exposition, "MOST_SAMPLES", 10)
    parse_exposition(page(*(f"x{number} 1" for number in range(10))))
    with pytest.raises(ExpositionError, match="more than 10 samples"):
        parse_exposition(page(*(f"x{number} 1" for number in range(11))))
    with pytest.raises(ExpositionError, match="characters"):
        parse_exposition(b"x" * 100_000 + b" 1")
    too_many = ",".join(f'l{number}="1"' for number in range(65))
    with pytest.raises(ExpositionError, match="too many"):
        parse_exposition(f"x{{{too_many}}} 1".encode())


HOSTILE = [
    "x{" + " " * 60_000,
    'x{a="' + "\\" * 60_000,
    'x{a="' + '\\"' * 30_000,
    "x{" + 'a="b"' + " " * 60_000,
    "x{a" + " " * 60_000,
    "x" + " " * 60_000 + "{",
    "x " + "9" * 60_000 + "e",
    "x 1" + " #" * 30_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_line_takes_time_in_proportion_to_its_length(text):
    began_s = time.process_time()
    with pytest.raises(ExpositionError):
        parse_exposition(text.encode())
    assert time.process_time() - began_s < 1.0, "a quadratic parser would need minutes"


NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,12}", fullmatch=True)
LABELS = st.dictionaries(
    st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    max_size=4,
)
SERIES = st.dictionaries(
    st.tuples(NAMES, LABELS.map(lambda labels: frozenset(labels.items()))), st.floats(), max_size=12
)


@given(SERIES)
def test_whatever_is_written_is_read_again(series):
    content = page(*(line(name, dict(labels), value) for (name, labels), value in series.items()))
    read = {
        (name, frozenset(sample.labels.items())): sample.value
        for name, samples in parse_exposition(content).samples.items()
        for sample in samples
    }
    assert read.keys() == series.keys()
    assert all(read[key] == value or (math.isnan(read[key]) and math.isnan(value)) for key, value in series.items())


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(content):
    try:
        parse_exposition(content)
    except ExpositionError as refused:
        assert "\n" not in str(refused)


@settings(max_examples=300)
@given(st.integers(0, len(EXAMPLE) - 1), st.binary(max_size=4), st.integers(0, 5))
def test_a_damaged_answer_is_read_or_refused(position, patch, gone):
    try:
        parse_exposition(EXAMPLE[:position] + patch + EXAMPLE[position + gone :])
    except ExpositionError as refused:
        assert str(refused).endswith(".")


@pytest.mark.parametrize(
    ("text", "name", "labels"),
    [
        ("answers_total", "answers_total", {}),
        ('vllm:x{a="1", b="two words"}', "vllm:x", {"a": "1", "b": "two words"}),
        (' x {a="}"} ', "x", {"a": "}"}),
    ],
)
def test_a_series_is_named_as_in_an_answer(text, name, labels):
    assert parse_selector(text) == (name, labels)


@pytest.mark.parametrize("text", ["", "{}", "x 1", 'x{a="1"} 2', "x{a=~'1'}", "x{"])
def test_what_names_no_series(text):
    with pytest.raises(ExpositionError):
        parse_selector(text)
