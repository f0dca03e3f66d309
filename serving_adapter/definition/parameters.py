"""Serving parameters: read from a workload's definition, and checked before any is set."""

from typing import Mapping, Sequence, Tuple

from serving_adapter.contract import AdapterError, ServingParameter, Value, WorkloadDefinition


def check_names(definition: WorkloadDefinition, known: Sequence[str]) -> None:
    """Makes sure that a definition asks only for parameters that its adapter has.

    Raises:
        AdapterError: The definition names another parameter.
    """
    for name in definition.parameters:
        if name not in known:
            raise AdapterError(
                f"The workload '{definition.name}' lists the serving parameter '{name}', "
                f"which its adapter does not have: use {' or '.join(known)}."
            )


def positive_integers(definition: WorkloadDefinition, name: str, default: int) -> Tuple[int, ...]:
    """Returns the values to be explored of a parameter that counts something, ascending.

    Args:
        definition: The workload's definition.
        name: The parameter's name in it, ``batch_size``.
        default: The only value, if the definition does not list the parameter.

    Raises:
        AdapterError: The values are not distinct whole numbers above zero.
    """
    values = definition.parameters.get(name, [default])
    whole = tuple(value for value in values if type(value) is int and value > 0)
    if not values or len(set(whole)) != len(values):
        raise AdapterError(
            f"The values of '{name}' of the workload '{definition.name}' are {list(values)}: "
            "list distinct whole numbers above zero."
        )
    return tuple(sorted(whole))


def check_admissible(values: Mapping[str, Value], parameters: Sequence[ServingParameter]) -> None:
    """Makes sure that values can be set.

    Args:
        values: Values by parameter id.
        parameters: The parameters that the adapter has.

    Raises:
        AdapterError: An id is unknown, or a value is not one of the parameter's.
    """
    known = {parameter.id: parameter for parameter in parameters}
    for name, value in values.items():
        if name not in known:
            raise AdapterError(f"There is no serving parameter '{name}': use {', '.join(sorted(known))}.")
        choices = known[name].values
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            raise AdapterError(f"{name} cannot be {value!r}: choose one of {', '.join(map(str, choices))}.")
