"""A real OpenAI-compatible server: ``transformers serve`` with a tiny language model that is made on the spot."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.serving.environments import TRANSFORMERS
from tests.serving.ports import free_ports

READY_S = 120.0
_TEXT = ("The quick brown fox jumps over the lazy dog, 0123456789 times. ", "".join(map(chr, range(32, 127))) + "\n")
_CHAT_TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


@dataclass(frozen=True)
class TransformersServer:
    """A server that is ready.

    Attributes:
        url: Where it listens.
        model: The name that requests must give, which is the folder it was started with.
        process: Its process.
        log: What it prints.
    """

    url: str
    model: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self.process.pid

    def kill(self) -> None:
        """Ends it at once, whatever it is doing."""
        self.process.kill()
        self.process.wait()


@contextmanager
def transformers_server(folder: Path, hidden_size: int = 64, layers: int = 2) -> Iterator[TransformersServer]:
    """Makes a model, serves it, and ends the server whatever happens.

    Args:
        folder: Where model, cache and log go.
        hidden_size: Width of the model: what a token costs.
        layers: Its depth.
    """
    if TRANSFORMERS.obstacle:
        pytest.skip(TRANSFORMERS.obstacle)
    model = folder / "tiny-llama"
    make_language_model(model, hidden_size, layers)
    (port,), log = free_ports(1), folder / "server.log"
    process = _start(str(model), port, folder, log)
    server = TransformersServer(f"http://127.0.0.1:{port}", str(model), process, log)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        _end(process)


def make_language_model(folder: Path, hidden_size: int = 64, layers: int = 2) -> None:
    """Saves a Llama with random weights and a byte-level BPE tokenizer.

    The tokenizer knows printable ASCII only, so that every token is text at once (half a character would be held back),
    and the model has no token that ends an answer: each is as long as was asked for.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden_size,
            intermediate_size=2 * hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(_TEXT, trainers.BpeTrainer(vocab_size=160, min_frequency=1, show_progress=False))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=_CHAT_TEMPLATE)


def _start(model: str, port: int, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    (folder / "cache" / "hub").mkdir(parents=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [
                *(str(TRANSFORMERS.python), "-m", "transformers.cli.transformers", "serve", model),
                *("--device", "cpu", "--host", "127.0.0.1", "--port", str(port)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "HF_HOME": str(folder / "cache"),
                "HF_HUB_OFFLINE": "1",
                "OMP_NUM_THREADS": "1",
                "CUDA_VISIBLE_DEVICES": "",
            },
            start_new_session=True,
        )


def _wait_until_ready(server: TransformersServer) -> None:
    deadline_s = time.monotonic() + READY_S
    while not _is_healthy(server.url):
        assert server.process.poll() is None, f"the server ended: {server.log.read_text()[-2000:]}"
        assert time.monotonic() < deadline_s, f"the server is not ready: {server.log.read_text()[-2000:]}"
        time.sleep(0.1)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the server and whatever it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
