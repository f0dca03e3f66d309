"""Proposers by name. What a proposer needs (torch, for one) is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from tuner.errors import BadInputError
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import SearchTask


@dataclass(frozen=True)
class Method:
    """Where a proposer is found.

    Attributes:
        module: Its module.
        class_name: Its class.
        extra: The extra of the distribution that brings the libraries it needs; empty if it needs none.
    """

    module: str
    class_name: str
    extra: str = ""


class Registry:
    """Proposers by name."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        """Keeps the methods in the order in which they are to be listed."""
        self._methods = dict(methods)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self._methods)

    def check(self, method: str) -> None:
        """Makes sure that a method exists, without importing it.

        Raises:
            BadInputError: There is no such method.
        """
        if method not in self._methods:
            raise BadInputError(f"There is no search method '{method}': choose one of {', '.join(self.names)}.")

    def load(self, method: str) -> type[AdvisingProposer]:
        """Imports a proposer's class.

        Raises:
            BadInputError: There is no such method, or a library that it needs is not installed.
        """
        self.check(method)
        place = self._methods[method]
        try:
            module = import_module(place.module)
        except ImportError as error:
            library = (error.name or str(error)).partition(".")[0]
            remedy = f"install it with 'pip install wattune[{place.extra}]'"
            raise BadInputError(f"The search method '{method}' needs {library}: {remedy}.") from error
        proposer: type[AdvisingProposer] = getattr(module, place.class_name)
        return proposer

    def create(self, method: str, task: SearchTask) -> AdvisingProposer:
        """Makes a proposer.

        Args:
            method: One of :attr:`names`.
            task: What it is to search.

        Raises:
            BadInputError: There is no such method, or a library that it needs is not installed.
        """
        return self.load(method)(task)


OWN_METHODS: Mapping[str, Method] = {
    "wattune": Method("tuner.search.bayesian", "BayesianProposer", extra="search"),
    "random": Method("tuner.search.random_search", "RandomProposer"),
}
"""What a study may search with."""

_REGISTRY = Registry(OWN_METHODS)

METHODS: tuple[str, ...] = _REGISTRY.names
"""The names that :func:`create_proposer` knows."""

create_proposer = _REGISTRY.create
check_method = _REGISTRY.check
