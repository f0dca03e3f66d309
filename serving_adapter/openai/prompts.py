"""What the model is asked: the operator's own prompts in turn, or synthetic ones of a given length."""

import itertools
import random
import threading
from typing import Iterator

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import text_option, texts_option, whole_number_option

PROMPT_OPTIONS = ("prompt", "prompts", "prompt_tokens", "prompt_seed")

_WORDS = (
    "time year people way day man thing woman life child world school state family student group country problem hand "
    "part place case week company system program question work number night point home water room mother area money "
    "story fact month lot right study book eye job word business issue side kind head house service friend father "
    "power hour game line end member law car city name team"
)
"""Words so frequent that most tokenizers have a token for each."""

_OWN_WORDS = 8


class Prompts:
    """Hands out prompts to several threads."""

    def __init__(self, prompts: Iterator[str]) -> None:
        """Keeps the prompts, which must not end."""
        self._prompts = prompts
        self._lock = threading.Lock()

    def take(self) -> str:
        """Returns the next prompt."""
        with self._lock:
            return next(self._prompts)


def prompts_of(definition: WorkloadDefinition) -> Prompts:
    """Returns the prompts that a workload's definition asks for.

    Raises:
        AdapterError: It asks for none, for an empty one or in more than one way.
    """
    given = [name for name in ("prompt", "prompts", "prompt_tokens") if name in definition.options]
    if len(given) != 1:
        raise AdapterError(
            f"The workload '{definition.name}' has {' and '.join(given) or 'no prompt'}: give exactly one of prompt, "
            "prompts and prompt_tokens."
        )
    if "prompt_seed" in definition.options and given != ["prompt_tokens"]:
        raise AdapterError(
            f"The workload '{definition.name}' has a prompt_seed, which nothing is drawn with: leave it out, or give "
            "prompt_tokens instead of a text."
        )
    if given == ["prompt_tokens"]:
        words = whole_number_option(definition, "prompt_tokens", default=1, least=1)
        return Prompts(synthetic_prompts(words, whole_number_option(definition, "prompt_seed", default=0)))
    texts = [text_option(definition, "prompt")] if given == ["prompt"] else texts_option(definition, "prompts")
    if not (texts and all(texts)):
        raise AdapterError(f"The workload '{definition.name}' has an empty prompt: give texts that say something.")
    return Prompts(itertools.cycle(texts))


def synthetic_prompts(words: int, seed: int) -> Iterator[str]:
    """Yields prompts of so many words, without end.

    Each begins with other words than those before: a server that keeps what it computed for the beginning of a prompt
    (a prefix cache) would otherwise work on the first one only.

    Args:
        words: Words a prompt, about as many as tokens.
        seed: The same seed gives the same prompts.
    """
    generator = random.Random(seed)  # noqa: S311 - reproducible text, not a secret
    vocabulary = _WORDS.split()
    own_words = min(words, _OWN_WORDS)
    common = generator.choices(vocabulary, k=words - own_words)
    while True:
        yield " ".join(generator.choices(vocabulary, k=own_words) + common)
