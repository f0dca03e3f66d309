"""The proposers by name. What a proposer needs (torch, for one) is imported only when it is made."""

from __future__ import annotations

from importlib import import_module

from tuner.errors import BadInputError
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import SearchTask

_PROPOSERS = {
    "wattune": ("tuner.search.bayesian", "BayesianProposer"),
    "random": ("tuner.search.random_search", "RandomProposer"),
}

METHODS: tuple[str, ...] = tuple(_PROPOSERS)
"""The names that :func:`create_proposer` knows."""


def create_proposer(method: str, task: SearchTask) -> AdvisingProposer:
    """Makes a proposer.

    Args:
        method: One of :data:`METHODS`.
        task: What it is to search.

    Raises:
        BadInputError: There is no such method, or a library that it needs is not installed.
    """
    check_method(method)
    module_name, class_name = _PROPOSERS[method]
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise BadInputError(
            f"The search method '{method}' needs {error.name}: install it with 'pip install wattune[search]'."
        ) from error
    proposer: AdvisingProposer = getattr(module, class_name)(task)
    return proposer


def check_method(method: str) -> None:
    """Makes sure that a method exists, without importing it.

    Raises:
        BadInputError: There is no such method.
    """
    if method not in _PROPOSERS:
        raise BadInputError(f"There is no search method '{method}': choose one of {', '.join(METHODS)}.")
