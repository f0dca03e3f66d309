"""Finds what a configuration file names as ``module:name``."""

import importlib
import sys
from typing import Any

from serving_adapter.contract import AdapterError
from serving_adapter.words import describe


def resolve(reference: str, role: str) -> Any:
    """Imports the module of a reference and returns the object that it names.

    Args:
        reference: ``module:name``, importable by this interpreter.
        role: What the object is for, for the message: ``adapter``, ``factory``.

    Raises:
        AdapterError: The reference is malformed, or the module cannot be imported, or has no such name.
    """
    module_name, _, name = reference.partition(":")
    if not (module_name and name):
        raise AdapterError(f"The {role} '{reference}' is not a reference: write it like 'package.module:name'.")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise AdapterError(
            f"The {role} '{reference}' cannot be imported by {sys.executable}: {describe(error)}."
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise AdapterError(f"The {role} '{reference}' does not exist: {module.__file__} has no '{name}'.") from error
