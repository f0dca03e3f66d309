"""An adapter's options: read from a workload's definition and checked, one sentence for each that is wrong."""

import sys
from typing import Any, Dict, List, Optional, Sequence

from serving_adapter.contract import AdapterError, WorkloadDefinition

_LONGEST_SHOWN = 100


def check_options(definition: WorkloadDefinition, known: Sequence[str]) -> None:
    """Makes sure that a definition holds only options that its adapter has.

    Raises:
        AdapterError: The definition holds another option.
    """
    for name in definition.options:
        if name not in known:
            raise AdapterError(
                f"The workload '{definition.name}' has the option '{name}', which its adapter does not know: "
                f"use {', '.join(sorted(known))}."
            )


def text_option(
    definition: WorkloadDefinition, name: str, default: Optional[str] = None, choices: Sequence[str] = ()
) -> str:
    """Returns an option that is a text.

    Args:
        definition: The workload's definition.
        name: The option's name.
        default: What holds if the option is not there; without it, the option is needed and must not be empty.
        choices: The texts that are possible; any, if empty.

    Raises:
        AdapterError: The option is missing, is no text or is none of the choices.
    """
    value = definition.options.get(name, default)
    if value is None:
        raise AdapterError(f"The workload '{definition.name}' lacks the option '{name}': add {name} = \"…\".")
    if not isinstance(value, str) or (default is None and not value):
        raise _wrong(definition, name, value, "a text")
    if choices and value not in choices:
        raise _wrong(definition, name, value, " or ".join(f"'{choice}'" for choice in choices))
    return value


def number_option(definition: WorkloadDefinition, name: str, default: float, least: Optional[float] = None) -> float:
    """Returns an option that is a finite number, such as a time.

    Args:
        definition: The workload's definition.
        name: The option's name.
        default: What holds if the option is not there.
        least: The smallest number that is possible; without it, any above zero.

    Raises:
        AdapterError: The option is something else.
    """
    value = definition.options.get(name, default)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if not (is_number and (value > 0 if least is None else value >= least)):
        wanted = "a number above zero" if least is None else f"a number of at least {least:g}"
        raise _wrong(definition, name, value, wanted)
    return float(value)


def whole_number_option(definition: WorkloadDefinition, name: str, default: int, least: int = 0) -> int:
    """Returns an option that is a whole number, such as a seed.

    Args:
        definition: The workload's definition.
        name: The option's name.
        default: What holds if the option is not there.
        least: The smallest number that is possible.

    Raises:
        AdapterError: The option is something else.
    """
    value = definition.options.get(name, default)
    if type(value) is not int or value < least:
        raise _wrong(definition, name, value, f"a whole number of at least {least}")
    return value


def flag_option(definition: WorkloadDefinition, name: str, default: bool) -> bool:
    """Returns an option that is true or false.

    Raises:
        AdapterError: The option is something else.
    """
    value = definition.options.get(name, default)
    if not isinstance(value, bool):
        raise _wrong(definition, name, value, "true or false")
    return value


def texts_option(definition: WorkloadDefinition, name: str) -> List[str]:
    """Returns an option that is a list of texts; an empty one if it is not there.

    Raises:
        AdapterError: The option is something else.
    """
    value = definition.options.get(name, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _wrong(definition, name, value, 'a list of texts, ["…", "…"]')
    return list(value)


def text_table_option(definition: WorkloadDefinition, name: str) -> Dict[str, str]:
    """Returns an option that is a table of texts by name; an empty one if it is not there.

    Raises:
        AdapterError: The option is something else.
    """
    value = definition.options.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _wrong(definition, name, value, 'a table of texts, { name = "…" }')
    return dict(value)


def _wrong(definition: WorkloadDefinition, name: str, value: Any, wanted: str) -> AdapterError:
    shown = repr(value)
    shown = shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…"
    return AdapterError(f"The option '{name}' of the workload '{definition.name}' is {shown}: it must be {wanted}.")
