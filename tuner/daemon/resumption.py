"""Whether a study can go on where it was: the machine must still be the one that its trials speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from knobs.contract import KnobSpec
from serving_adapter.contract import ServingParameter
from tuner.configuration import Configuration, Value
from tuner.errors import BadInputError
from tuner.study_record import Study


def check_space(study: Study, knobs: Sequence[KnobSpec], serving_parameters: Sequence[ServingParameter]) -> None:
    """Makes sure that the machine and the workload still offer everything that the study varies.

    Raises:
        BadInputError: A knob, a serving parameter or one of its values is gone.
    """
    offered: Mapping[str, tuple[Value, ...]] = {knob.id: knob.values for knob in knobs} | {
        parameter.id: parameter.values for parameter in serving_parameters
    }
    for parameter in study.space.parameters:
        if parameter.id not in offered:
            owner = "machine" if parameter.is_knob else "workload"
            raise BadInputError(
                f"Study {study.id} cannot go on: the {owner} no longer offers {parameter.id}; start a new study."
            )
        if gone := [choice for choice in parameter.choices if choice not in offered[parameter.id]]:
            raise BadInputError(
                f"Study {study.id} cannot go on: {parameter.id} no longer takes {', '.join(map(str, gone))}; "
                "start a new study."
            )


def check_baseline(study: Study, present: Configuration) -> None:
    """Makes sure that the machine is configured as it was when the study measured its baseline.

    Raises:
        BadInputError: A value differs.
    """
    if study.baseline is None:
        return
    for name, value in study.baseline.configuration.items():
        if present.get(name) != value:
            raise BadInputError(
                f"Study {study.id} cannot go on: its baseline was measured at {name} = {value}, and now it is "
                f"{present.get(name)}; put it back, or start a new study."
            )
