"""The published layout of measured trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.energy_model.model_tree.made_trees import BLUEPRINTS, models, write_device
from tuner.energy_model.model_tree.irene_csv import find_devices, read_forest
from tuner.energy_model.model_tree.node import CostNode
from tuner.errors import BadInputError


def shape(node: CostNode) -> tuple[object, ...]:
    return (node.name, node.kind, node.level, round(node.flops), tuple(sorted(map(shape, node.children))))


def test_trees_are_what_was_written(tmp_path: Path) -> None:
    forest = read_forest(write_device(tmp_path / "gpu", models()))
    assert forest.device == "gpu"
    assert not forest.left_out
    for name, written in models().items():
        read = forest.trees[name]
        assert len(read) == len(written)
        for of_file, original in zip(read, written, strict=True):
            assert of_file.measured is not None
            assert original.measured is not None
            assert of_file.measured.energy_j == pytest.approx(original.measured.energy_j)
            kinds = [[(node.kind, node.level) for node in root.walk()] for root in (of_file, original)]
            assert sorted(kinds[0]) == sorted(kinds[1])
            assert of_file.own_bytes == pytest.approx(original.own_bytes, rel=1e-6)
            assert of_file.leaf_counts.total() == original.leaf_counts.total()


def test_a_primitive_without_parameters_belongs_to_the_scope_that_it_names(tmp_path: Path) -> None:
    root = read_forest(write_device(tmp_path, models(BLUEPRINTS[:1]))).trees["small"][0]
    block = root.children[0]
    assert sorted(child.kind for child in block.children) == ["Linear", "Tanh"]


def test_a_scope_without_a_row_is_passed_over(tmp_path: Path) -> None:
    def without_a_block(row: dict[str, object]) -> dict[str, object] | None:
        return None if row["level_name"] == "layer.1:Block" else dict(row)

    root = read_forest(write_device(tmp_path, models(BLUEPRINTS[:1]), without_a_block)).trees["small"][0]
    assert sorted(child.kind for child in root.children) == ["Block", "Block", "Linear", "Tanh"]


def test_several_devices_are_found_in_a_folder_of_folders(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_device(tmp_path / name, models(BLUEPRINTS[:1]))
    (tmp_path / "notes").mkdir()
    assert [path.name for path in find_devices(tmp_path)] == ["a", "b"]
    assert find_devices(tmp_path / "a") == [tmp_path / "a"]
    with pytest.raises(BadInputError, match="holds no measured trees"):
        find_devices(tmp_path / "notes")


@pytest.mark.parametrize("value", ["nan", "", "-1", "inf", "many"])
def test_a_row_with_a_number_that_cannot_be_is_counted_and_left_out(tmp_path: Path, value: str) -> None:
    def spoiled(row: dict[str, object]) -> dict[str, object]:
        return {**row, "energy_mean": value} if row["level_name"] == "layer.0.dense:Linear" else dict(row)

    forest = read_forest(write_device(tmp_path, models(BLUEPRINTS[:1]), spoiled))
    (sentence,) = forest.left_out
    assert sentence.startswith("ml1_level_features.csv")
    assert "3 times" in sentence
    assert forest.trees["small"][0].leaf_counts.total() == 5


def test_a_truncated_last_line_is_left_out(tmp_path: Path) -> None:
    write_device(tmp_path, models(BLUEPRINTS[:1]))
    path = tmp_path / "ml1_level_features.csv"
    path.write_text(path.read_text()[:-30])
    assert "a row that is incomplete" in read_forest(tmp_path).left_out[0]


def test_a_model_without_a_row_of_its_own_is_left_out_and_named(tmp_path: Path) -> None:
    def headless(row: dict[str, object]) -> dict[str, object] | None:
        return None if row["level_name"] == "wide" else dict(row)

    forest = read_forest(write_device(tmp_path, models(), headless))
    assert "wide" not in forest.trees
    assert sum("wide at batch size" in sentence for sentence in forest.left_out) == 3


def test_a_model_without_primitives_is_left_out_and_named(tmp_path: Path) -> None:
    def hollow(row: dict[str, object]) -> dict[str, object] | None:
        is_leaf = str(row["level_name"]).rpartition(":")[2] in ("Linear", "Tanh")
        return None if is_leaf and row["model_name"] == "wide" else dict(row)

    forest = read_forest(write_device(tmp_path, models(), hollow))
    assert "wide" not in forest.trees
    assert sum("no primitives" in sentence for sentence in forest.left_out) == 3


def test_what_is_no_such_layout_is_refused_in_one_sentence(tmp_path: Path) -> None:
    write_device(tmp_path, models(BLUEPRINTS[:1]))
    path = tmp_path / "module_level_features.csv"
    whole = path.read_text()
    path.write_text(whole.replace("gpu_energy_mean", "something"))
    with pytest.raises(BadInputError, match="lacks the columns gpu_energy_mean"):
        read_forest(tmp_path)
    path.write_bytes(b"\xff\xfe" + whole.encode())
    with pytest.raises(BadInputError, match="no CSV file"):
        read_forest(tmp_path)
    path.unlink()
    with pytest.raises(BadInputError, match=r"module_level_features\.csv cannot be read"):
        read_forest(tmp_path)


def test_a_directory_with_nothing_but_headers_is_refused(tmp_path: Path) -> None:
    write_device(tmp_path, models(BLUEPRINTS[:1]), lambda row: None)
    with pytest.raises(BadInputError, match="no model whose rows make a tree: no rows"):
        read_forest(tmp_path)
