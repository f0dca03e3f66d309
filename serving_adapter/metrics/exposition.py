"""Reads what a server says about itself in the text format of Prometheus.

The grammar is that of the text format, version 0.0.4 (prometheus.io, "Exposition formats"), and as much of OpenMetrics
1.0 as servers write: exemplars, timestamps with a fraction, ``# EOF``. As Prometheus itself does, an answer with one
malformed line is refused whole. A server's answer is untrusted: every line is read once, in time linear in its length.
"""

import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterator, List, Mapping, Tuple

from serving_adapter.contract import AdapterError
from serving_adapter.words import quote

MOST_SAMPLES = 100_000
LONGEST_LINE = 65_536
MOST_LABELS = 64

_SPACE = " \t"
_SPACES = re.compile(r"[ \t]+")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|(?=\}))')
_END_OF_LABELS = re.compile(r"[ \t]*\}")
# Servers in C++ write "Nan" where the others write "NaN". Python's own float() takes underscores and other scripts.
_NUMBER = re.compile(r"(?ai)[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?|nan")
_SUFFIX = re.compile(r"_(?:total|sum|count)$")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


class ExpositionError(AdapterError):
    """What a server sent is not in the text format of Prometheus."""


@dataclass(frozen=True)
class Sample:
    """One series at one instant.

    Attributes:
        labels: Its labels.
        value: Its value, in the unit of the series.
    """

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Exposition:
    """Everything that a server says about itself at one instant.

    Attributes:
        samples: The samples by name.
        declared: The names of metrics that it has announced (``# TYPE``), with samples or without.
    """

    samples: Mapping[str, Tuple[Sample, ...]]
    declared: FrozenSet[str]

    def knows(self, name: str) -> bool:
        """Tells whether a metric exists, even if nothing has been counted yet.

        Args:
            name: The name of a metric, of a histogram, or of one of its parts (``_sum``, ``_count``).
        """
        family = _SUFFIX.sub("", name)
        return not self.declared.isdisjoint((name, family)) or name in self.samples or f"{name}_bucket" in self.samples


def parse_exposition(content: bytes) -> Exposition:
    """Reads an answer.

    Args:
        content: The answer's body.

    Raises:
        ExpositionError: It is not in this format, or larger than any server's.
    """
    samples: Dict[str, Dict[FrozenSet[Tuple[str, str]], Sample]] = {}
    declared = set()
    count = 0
    for number, line in _lines(content):
        if line.startswith("#"):
            declared.update(_declared(line))
            continue
        count += 1
        if count > MOST_SAMPLES:
            raise ExpositionError(f"There are more than {MOST_SAMPLES} samples.")
        name, sample = _sample(number, line)
        same_name = samples.setdefault(name, {})
        identity = frozenset(sample.labels.items())
        if identity in same_name:
            raise _malformed(number, line, "the same series is there twice")
        same_name[identity] = sample
    return Exposition({name: tuple(series.values()) for name, series in samples.items()}, frozenset(declared))


def parse_selector(text: str) -> Tuple[str, Mapping[str, str]]:
    """Reads the name of a series with its labels, written as in an answer: ``requests_total{code="200"}``.

    Raises:
        ExpositionError: It is no such name.
    """
    name, labels, position = _series(0, text.strip(_SPACE))
    if position != len(text.strip(_SPACE)):
        raise _malformed(0, text, "something follows the name")
    return name, labels


def parse_number(text: str) -> float:
    """Returns a number as the format writes it, infinities and NaN included.

    Raises:
        ExpositionError: It is none.
    """
    if not _NUMBER.fullmatch(text):
        raise ExpositionError(f"'{quote(text.encode(), 40)}' is no number.")
    return float(text)


def _lines(content: bytes) -> Iterator[Tuple[int, str]]:
    """Yields the lines that say something, with their numbers, up to the mark of the end."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ExpositionError("It is not in UTF-8.") from error
    for number, whole in enumerate(text.split("\n"), start=1):
        if len(whole) > LONGEST_LINE:
            raise ExpositionError(f"Line {number} has more than {LONGEST_LINE} characters.")
        line = whole.strip(" \t\r")
        if line == "# EOF":
            return
        if line:
            yield number, line


def _declared(comment: str) -> List[str]:
    words = comment[1:].split(None, 2)
    return [words[1]] if len(words) > 1 and words[0] in ("TYPE", "HELP") else []


def _sample(number: int, line: str) -> Tuple[str, Sample]:
    name, labels, position = _series(number, line)
    if line[position : position + 1] not in _SPACE and line[position - 1] != "}":
        raise _malformed(number, line, "there is no space before the value")
    value, _, exemplar = line[position:].partition("#")
    words = [word for word in _SPACES.split(value) if word]
    if not 1 <= len(words) <= 2:
        raise _malformed(number, line, "a value, or a value and a timestamp, must follow the name")
    if exemplar and not exemplar.lstrip(_SPACE).startswith("{"):
        raise _malformed(number, line, "something follows the value")
    try:
        numbers = [parse_number(word) for word in words]
    except ExpositionError as error:
        raise _malformed(number, line, str(error).rstrip(".")) from error
    return name, Sample(labels, numbers[0])


def _series(number: int, line: str) -> Tuple[str, Mapping[str, str], int]:
    """Returns a line's name and labels, and where they end."""
    named = _NAME.match(line)
    if named is None:
        raise _malformed(number, line, "it does not begin with a name")
    position = named.end()
    opening = position + len(line[position:]) - len(line[position:].lstrip(_SPACE))
    if line[opening : opening + 1] != "{":
        return named.group(), {}, position
    labels, position = _labels(number, line, opening + 1)
    return named.group(), labels, position


def _labels(number: int, line: str, position: int) -> Tuple[Mapping[str, str], int]:
    labels: Dict[str, str] = {}
    while True:
        end = _END_OF_LABELS.match(line, position)
        if end is not None:
            return labels, end.end()
        label = _LABEL.match(line, position)
        if label is None:
            raise _malformed(number, line, "its labels cannot be read")
        name, value, _ = label.groups()
        if name in labels or len(labels) >= MOST_LABELS:
            raise _malformed(number, line, f"the label '{name[:40]}' is there twice, or there are too many")
        labels[name] = _unescaped(value)
        position = label.end()


def _unescaped(value: str) -> str:
    """Returns a label's value; a backslash before another character stands for itself (as Prometheus reads it)."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found.group(1), found.group()), value) if "\\" in value else value


def _malformed(number: int, line: str, reason: str) -> ExpositionError:
    where = f"Line {number}" if number else "The text"
    return ExpositionError(f"{where} is malformed, as {reason}: '{quote(line.encode('utf-8', 'replace'), 80)}'.")
