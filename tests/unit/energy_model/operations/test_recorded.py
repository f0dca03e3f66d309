"""Files of measured runs: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.energy_model.operations.imagined_device import specs, write_points
from tuner.energy_model.operations.demand import flops_of
from tuner.energy_model.operations.recorded import ARCHITECTURES, read_points
from tuner.errors import BadInputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "device.jsonl"
    write_points(path, [0.5] * len(specs()), iterations=7)
    return path


def changed(file: Path, **changes: Any) -> Path:
    record = json.loads(file.read_text().splitlines()[0])
    spec = changes.pop("spec", {})
    file.write_text(json.dumps({**record, **changes, "spec": {**record["spec"], **spec}}) + "\n")
    return file


def test_energy_is_that_of_one_execution(file: Path) -> None:
    points = read_points(file)
    assert len(points) == len(specs())
    assert all(point.energy_j == pytest.approx(0.5) for point in points)
    assert {point.family for point in points} == {"GPT-2", "BERT", "T5"}


def test_flops_are_those_of_the_published_architecture(file: Path) -> None:
    prompt = next(point for point in read_points(file) if (point.model, point.phase) == ("GPT-2", "prefill"))
    layers = 12 * (12 * 768**2 * 128 + 2 * 128 * 128 * 768)
    assert flops_of(prompt.demand) == 2 * (layers + 768 * 50257)


def test_decoding_reads_the_weights_for_every_token(file: Path) -> None:
    points = {(point.model, point.phase, point.precision): point for point in read_points(file)}
    prefill = points["GPT-2", "prefill", "float16"].demand
    decode = points["GPT-2", "decode", "float16"].demand
    assert decode["weight bytes"] / prefill["weight bytes"] == pytest.approx(64 + 1, rel=0.4)
    assert decode["launches"] > 60 * prefill["launches"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("GPT-2", 124e6), ("GPT-2-XL", 1557e6), ("BERT-large", 335e6), ("LLaMA-7B", 6.74e9), ("Mistral-7B", 7.24e9)],
)
def test_architectures_have_the_parameters_that_they_are_known_for(name: str, parameters: float) -> None:
    of = ARCHITECTURES[name]
    width, key_width = of.heads * of.head_width, of.key_heads * of.head_width
    inner = (3 if of.is_gated else 2) * of.width * of.inner_width
    embeddings = of.vocabulary * of.width * (2 if of.is_gated else 1)
    count = of.layers * (2 * of.width * (width + key_width) + inner) + embeddings
    assert count == pytest.approx(parameters, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spec": {"model": "Unheard-of"}}, "'Unheard-of' are not known"),
        ({"spec": {"batch_size": 4}}, "more than one item"),
        ({"spec": {"precision": "int3"}}, "int3"),
        ({"spec": {"phase": "dream"}}, "dream"),
        ({"per_execution_median_j": {"B": -1.0}}, "its energy is -"),
        ({"per_execution_median_j": {"A": 1.0}}, "'B'"),
        ({"inner_iters": 0}, "ZeroDivision"),
        ({"per_execution_median_j": None}, "TypeError"),
    ],
)
def test_a_line_that_is_no_point_is_one_sentence(file: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=r"Line 1 of .* is no measured point") as caught:
        read_points(changed(file, **changes))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_file_without_points_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"empty.jsonl"):
        read_points(path)


def test_a_truncated_file_names_its_last_line(file: Path) -> None:
    file.write_text(file.read_text()[:-40])
    with pytest.raises(BadInputError, match=f"Line {len(specs())} of"):
        read_points(file)


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_points(tmp_path / "nothing.jsonl")


def test_runs_that_failed_are_left_out(file: Path) -> None:
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, json.dumps({"ok": False, "spec": {}})]))
    assert len(read_points(file)) == len(specs())
