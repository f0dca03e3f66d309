"""Writes one of the example networks to a file: TorchScript, an exported program, or ONNX.

``python -m serving_adapter.export_example mobilenet_v2 /tmp/mobilenet.pt2`` (or ``.ts``, or ``.onnx``, which needs the
package onnx). The batch size is open. Inputs keep their order, and in ONNX their names.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any, List

from serving_adapter.in_process.torch_workload import TorchWorkload

_TRACED_ITEMS = 2
"""One item would be taken for a dimension that is always 1."""

_MOST_ITEMS = 1024


def export_torchscript(workload: TorchWorkload, path: Path) -> None:
    """Writes a network as TorchScript, frozen.

    Args:
        workload: The network; its inputs are named.
        path: The file.
    """
    import torch

    named = dict(workload.make_inputs(_TRACED_ITEMS))
    with torch.no_grad():
        script = torch.jit.trace(_plain(workload.module, list(named)), tuple(named.values()), check_trace=False)
        torch.jit.save(torch.jit.freeze(script.eval()), str(path))


def export_program(workload: TorchWorkload, path: Path) -> None:
    """Writes a network as an exported program.

    Args:
        workload: The network; its inputs are named.
        path: The file.
    """
    import torch

    named = dict(workload.make_inputs(_TRACED_ITEMS))
    sizes = tuple({0: torch.export.Dim("batch", min=1, max=_MOST_ITEMS)} for _ in named)
    module = _plain(workload.module, list(named))
    program = torch.export.export(module, tuple(named.values()), dynamic_shapes={"values": sizes})
    torch.export.save(program, str(path))


def export_onnx(workload: TorchWorkload, path: Path) -> None:
    """Writes a network as an ONNX model.

    Args:
        workload: The network; its inputs are named.
        path: The file.
    """
    import torch

    named = dict(workload.make_inputs(_TRACED_ITEMS))
    torch.onnx.export(
        _plain(workload.module, list(named)),
        tuple(named.values()),
        str(path),
        input_names=list(named),
        output_names=["output"],
        dynamic_axes={name: {0: "batch"} for name in [*named, "output"]},
        dynamo=False,
    )


_EXPORTERS = {".ts": export_torchscript, ".pt2": export_program, ".onnx": export_onnx}


def _plain(module: Any, names: List[str]) -> Any:
    """Returns a module that takes and returns tensors only: a file cannot hold the classes that a library returns."""
    import torch

    class Plain(torch.nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *values: Any) -> Any:
            output = self.module(**dict(zip(names, values)))
            return output if isinstance(output, torch.Tensor) else next(iter(output.values()))

    return Plain().eval()


def _main() -> None:
    parser = argparse.ArgumentParser(description="Writes an example network to a file.")
    parser.add_argument("network", choices=["efficientnet_b0", "mobilenet_v2", "minilm", "bert_base"])
    parser.add_argument("file", type=Path, help=f"its name ends with {', '.join(_EXPORTERS)}")
    arguments = parser.parse_args()
    export = _EXPORTERS.get(arguments.file.suffix)
    if export is None:
        parser.error(f"the file's name must end with {', '.join(_EXPORTERS)}")
    from serving_adapter import example_models

    warnings.simplefilter("ignore")
    export(getattr(example_models, arguments.network)(), arguments.file)


if __name__ == "__main__":
    _main()
