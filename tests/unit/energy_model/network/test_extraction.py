"""What becomes of a model: its tree, its memory, and what cannot be exported or is not known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from serving_adapter import example_models
from tests.unit.energy_model.network.example_networks import Shared, Stubborn, TwoLayers
from tuner.cli.model_argument import EXAMPLES
from tuner.energy_model.network.extraction import BY_EXPORT, BY_RUN, extract
from tuner.energy_model.network.recorded import recorded
from tuner.energy_model.network.records import Kind, Module
from tuner.errors import BadInputError


def test_the_tree_is_that_of_the_modules() -> None:
    network = extract(TwoLayers(), (torch.randn(2, 4),), "two")
    assert (network.name, network.source, network.missing) == ("two", BY_EXPORT, ())
    assert [(module.path, module.class_name) for module in network.modules] == [
        ("", "TwoLayers"),
        ("block", "Block"),
        ("block.first", "Linear"),
        ("block.second", "Linear"),
        ("norm", "LayerNorm"),
    ]
    assert [operation.operator for operation in network.operations] == [
        "aten.linear", "aten.relu", "aten.linear", "aten.add", "aten.layer_norm",
    ]  # fmt: skip


def test_totals_roll_up() -> None:
    root = extract(TwoLayers(), (torch.randn(2, 4),)).root
    block, norm = root.children
    assert root.flops == block.flops + norm.flops + sum(operation.flops for operation in root.own_operations)
    assert block.matrix_flops == 2 * (2 * 4 * 8 + 2 * 8 * 4) == root.matrix_flops
    assert root.bytes_moved == sum(operation.bytes_moved for operation in root.operations)


def test_shared_layers_are_stored_once_and_run_often() -> None:
    network = extract(Shared(times=3), (torch.randn(2, 4),))
    (layer,) = network.root.children
    assert layer.calls == 3
    assert len(layer.operations) == 3
    assert network.parameter_bytes == layer.parameter_bytes == 4 * 20
    assert network.root.matrix_flops == 3 * 2 * 2 * 16
    assert network.parameter_count == 20


def test_memory_is_followed_from_operation_to_operation() -> None:
    first, relu, second, add, _ = extract(TwoLayers(), (torch.randn(2, 4),)).operations
    assert relu.inputs["self"].storage == first.outputs[0].storage
    assert second.inputs["weight"].storage == "block.second.weight"
    assert second.inputs["weight"].is_parameter
    assert not second.inputs["input"].is_parameter
    assert add.inputs["other"].storage == first.inputs["input"].storage == "x"


def test_a_model_that_cannot_be_exported_is_run_once() -> None:
    network = extract(Stubborn(), (torch.ones(2, 4),))
    assert network.source == BY_RUN
    assert "cannot trace the model" in network.missing[0]
    assert [module.path for module in network.modules] == ["", "layer"]
    assert network.root.matrix_flops == 2 * 2 * 16
    linear = next(operation for operation in network.operations if operation.path == "layer" and operation.flops)
    assert {tensor.storage for tensor in linear.parameters} == {"layer.weight", "layer.bias"}
    assert linear.bytes_moved == 4 * (8 + 16 + 4 + 8)


def test_torchscript_is_run_once_and_has_no_tree() -> None:
    network = extract(torch.jit.trace(TwoLayers().eval(), (torch.randn(2, 4),)), (torch.randn(2, 4),))
    assert network.source == BY_RUN
    assert any("TorchScript does not tell" in sentence for sentence in network.missing)
    assert network.root.matrix_flops == extract(TwoLayers(), (torch.randn(2, 4),)).root.matrix_flops
    assert network.root.children == ()


def test_an_exported_program_keeps_its_tree() -> None:
    program = torch.export.export(TwoLayers().eval(), (torch.randn(2, 4),))
    network = extract(program.module(), (torch.randn(2, 4),))
    assert (network.source, network.missing) == (BY_EXPORT, ())
    assert {module.path for module in network.modules} >= {"block", "block.first", "norm"}


def test_a_model_that_does_not_run_is_one_sentence() -> None:
    with pytest.raises(BadInputError, match="neither exported nor run"):
        extract(nn.Linear(4, 4), (torch.randn(2, 5),))


def test_unknown_operators_are_counted_and_listed() -> None:
    class Special(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.special.i0(torch.special.i0(x)) + torch.digamma(x)

    network = extract(Special(), (torch.rand(3, 4),))
    assert network.unknown_operators == {"aten.special_i0": 2, "aten.digamma": 1}
    assert "aten.special_i0 (2 times)" in network.missing[0]
    unknown = [operation for operation in network.operations if operation.kind is Kind.UNKNOWN]
    assert all(operation.bytes_moved == 96 and operation.is_launch for operation in unknown)


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_example_networks_agree_with_the_flop_counter(name: str) -> None:
    workload = getattr(example_models, EXAMPLES[name])()
    module, inputs = workload.module.eval(), workload.make_inputs(1)
    network = extract(module, inputs, name)
    # The counter of torch leaves the fused kernel of CPUs out.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        module(**inputs)
    assert network.source == BY_EXPORT
    assert not network.unknown_operators
    assert network.root.matrix_flops == counter.get_total_flops()


def test_exported_and_recorded_tell_the_same() -> None:
    workload = example_models.mobilenet_v2()
    inputs = workload.make_inputs(1)
    network = extract(workload.module, inputs)
    seen, _ = recorded(workload.module, (), inputs)
    assert sum(operation.flops for _, operation in seen) == network.root.flops
    assert sum(operation.bytes_moved for _, operation in seen) == network.root.bytes_moved


def test_albert_stores_one_layer_of_the_twelve_that_it_runs() -> None:
    workload = example_models.albert_base()
    network = extract(workload.module, workload.make_inputs(1))
    layers = [module for module in network.modules if module.class_name == "AlbertLayer"]
    assert [layer.calls for layer in layers] == [12]
    assert network.parameter_count < 12e6
    assert _parameter_bytes_read(layers[0]) == 12 * layers[0].parameter_bytes


def _parameter_bytes_read(module: Module) -> int:
    return sum(operation.parameter_bytes_read for operation in module.operations)


def test_extracting_leaves_the_model_as_it_was() -> None:
    module = Stubborn()
    before: dict[str, Any] = {name: value.clone() for name, value in module.state_dict().items()}
    extract(module, (torch.ones(2, 4),))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not module.layer._forward_hooks
    assert not module.layer._forward_pre_hooks
