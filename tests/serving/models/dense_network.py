"""A model for MLServer: a small dense network in NumPy, which costs real time and energy."""

from typing import Any

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class DenseNetwork(MLModel):  # type: ignore[misc]
    """Multiplies by ``layers`` seeded matrices with a rectifier between them."""

    async def load(self) -> bool:
        extra = self.settings.parameters.extra
        width, layers = extra["width"], extra["layers"]
        generator = np.random.default_rng(0)
        self._matrices = [
            generator.standard_normal((width, width), dtype=np.float32) / np.float32(width) ** 0.5
            for _ in range(layers)
        ]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        features: Any = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        width = len(self._matrices[0])
        if features.ndim != 2 or features.shape[1] != width:
            raise ValueError(f"the features are {list(features.shape)} and not [n, {width}]")
        for matrix in self._matrices:
            features = np.maximum(features @ matrix, 0.0)
        return InferenceResponse(
            model_name=self.name, model_version=self.version, outputs=[NumpyCodec.encode_output("scores", features)]
        )
