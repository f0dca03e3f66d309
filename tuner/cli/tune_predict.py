"""``wattune tune WORKLOAD --dry-run --predict``: the Pareto front as models see it, with no measurement at all.

Needs no daemon. Knobs are read, nothing is written and nothing is served.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from knobs.contract import Scope, Value
from knobs.keeper.rules import within_bounds
from serving_adapter.contract import AdapterError, ServingParameter, WorkloadDefinition
from tuner.cli.arguments import DEFAULT_CONFIG
from tuner.cli.hardware import load_settings, open_inventory
from tuner.cli.model_argument import require_extra
from tuner.cli.terminal import print_json, show
from tuner.config import load_config
from tuner.config_record import WattuneConfig, WorkloadConfig
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.errors import BadInputError
from tuner.forecast_file import check_forecastable, read_forecast_file
from tuner.objective import Objective
from tuner.report.plain_table import plain_table
from tuner.report.vocabulary import configuration_text, interval_text, quantity_text, share_text, slos_text
from tuner.search.contract import SearchTask
from tuner.study.planning import plan_space

if TYPE_CHECKING:
    from tuner.search.forecast_front import Expectation

ADAPTERS = ("torch_module",)
"""Those whose serving parameters are known without opening the model."""


@dataclass(frozen=True)
class PredictedFront:
    """What is shown.

    Attributes:
        workload: The workload's name.
        model: The network that the forecasts are of.
        scope: What a joule covers.
        provenance: Always ``estimated``: nothing was measured.
        learned_from: Provenance of the joules that the forecasts were learned from.
        configurations: How many legal ones there are.
        baseline: What is expected of the machine as it is.
        recommended: What is expected of the configuration that needs the least energy and is likely to hold the SLOs.
        front: What is expected of the configurations that no other beats in both, by latency.
    """

    workload: str
    model: str
    scope: Scope
    provenance: str
    learned_from: str
    configurations: int
    baseline: Expectation
    recommended: Expectation
    front: tuple[Expectation, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of a predicted dry run."""
    parser.add_argument(
        "--predict",
        action="store_true",
        help="with --dry-run: predict the Pareto front from forecasts, without a daemon and without measuring anything",
    )
    parser.add_argument(
        "--forecasts",
        type=Path,
        metavar="FILE",
        help="with --predict: what 'wattune predict forecasts' wrote (default: the file that the workload names)",
    )
    parser.add_argument(
        "--config", type=Path, default=Path(DEFAULT_CONFIG), metavar="FILE", help="with --predict: wattune.toml"
    )


def run(arguments: argparse.Namespace) -> int:
    """Predicts the front and shows it.

    Raises:
        BadInputError: The workload cannot be predicted, or there are no forecasts.
    """
    if not arguments.dry_run:
        raise BadInputError("A prediction changes nothing and confirms nothing: add --dry-run to --predict.")
    if arguments.report is not None:
        raise BadInputError("A prediction has no trials to report: leave --report out, and use --json for its figures.")
    config = load_config(arguments.config)
    workload = config.workload(arguments.workload)
    predicted = _predict(arguments, config, workload)
    if arguments.json:
        print_json(predicted)
    else:
        _show(predicted, workload.objective.resolve(tuple(arguments.slo)))
    return 0


def _predict(arguments: argparse.Namespace, config: WattuneConfig, workload: WorkloadConfig) -> PredictedFront:
    objective = workload.objective.resolve(tuple(arguments.slo))
    check_forecastable(objective, f"The forecasts of '{workload.name}'")
    forecasts = read_forecast_file(_forecasts_path(arguments, workload))
    space, baseline = _space(arguments, config, workload, objective, forecasts.scope)
    require_extra("torch", "botorch")
    from tuner.search.forecast_front import ForecastFront

    task = SearchTask(space, objective, arguments.seed, max_trials=1, forecasts=forecasts.at(baseline, space))
    front = ForecastFront(task)
    return PredictedFront(
        workload=workload.name,
        model=forecasts.model,
        scope=forecasts.scope,
        provenance="estimated",
        learned_from=str(forecasts.provenance),
        configurations=space.size,
        baseline=front.expect([baseline])[0],
        recommended=front.recommended(),
        front=front.front(),
    )


def _forecasts_path(arguments: argparse.Namespace, workload: WorkloadConfig) -> Path:
    if arguments.forecasts is not None:
        return Path(arguments.forecasts)
    if workload.forecasts:
        return Path(workload.forecasts)
    raise BadInputError(
        f"The workload '{workload.name}' names no forecasts: make them with 'wattune predict forecasts MODEL', "
        "and name the file with --forecasts."
    )


def _space(
    arguments: argparse.Namespace, config: WattuneConfig, workload: WorkloadConfig, objective: Objective, scope: Scope
) -> tuple[ConfigurationSpace, Configuration]:
    """Returns what a study would search, and the configuration that the machine has now."""
    serving = _serving_parameters(workload)
    settings = load_settings(arguments.config)
    inventory = open_inventory(settings, arguments.runtime_dir, check_meters=False)
    inventory.attach(os.getpid())
    knobs = [replace(spec, values=within_bounds(spec, settings.bounds)) for spec in inventory.record().knobs]
    explore = {name: bounds.explore for name, bounds in config.knobs.items() if bounds.explore is not None}
    space = plan_space(knobs, serving, objective.scenario, scope, explore)
    values: dict[str, Value] = {one.id: one.values[0] for one in serving}
    values |= {name: inventory.knobs[name].read() for name in space.knob_ids}
    return space, Configuration(values).only([parameter.id for parameter in space.parameters])


def _serving_parameters(workload: WorkloadConfig) -> list[ServingParameter]:
    """Returns what the workload's adapter lets vary, as its definition says."""
    from serving_adapter.definition.settings import batch_size_parameter
    from serving_adapter.in_process.adapter import threads_parameter

    if workload.adapter not in ADAPTERS:
        raise BadInputError(
            f"The workload '{workload.name}' is served through '{workload.adapter}', which tells its parameters only "
            f"when it runs: a front can be predicted where the adapter is {' or '.join(ADAPTERS)}."
        )
    definition = WorkloadDefinition(workload.name, workload.options, workload.parameters)
    try:
        return [batch_size_parameter(definition), threads_parameter(definition, default=os.cpu_count() or 1)]
    except AdapterError as error:
        raise BadInputError(str(error)) from error


def _show(predicted: PredictedFront, objective: Objective) -> None:
    rows = {"": predicted.front, "as it is": (predicted.baseline,), "recommended": (predicted.recommended,)}
    common = _common([one.configuration for several in rows.values() for one in several])
    show(Text(f"Predicted front of {predicted.workload}, {slos_text(objective)}", style="bold"))
    show(f"{predicted.configurations:,} configurations; throughout {configuration_text(common) or 'nothing'}.")
    table = plain_table("", "", "configuration")
    for heading in ("latency", "95 %", "energy", "95 %", "holds the SLO"):
        table.add_column(heading, justify="right")
    for name, several in rows.items():
        for one in several:
            _add(table, name, one, common)
    show(table)
    show(
        Text(
            f"Joules are {predicted.provenance}, {predicted.scope}; nothing was measured. They follow from forecasts "
            f"of {predicted.model}, learned from joules that were {predicted.learned_from}, and from what is known of "
            f"devices in general. Measure before you rely on it: wattune tune {predicted.workload} --dry-run",
            style="dim",
        )
    )


def _common(configurations: Sequence[Configuration]) -> Configuration:
    """Returns the values that all of them have."""
    first = configurations[0]
    return first.only([name for name in first if all(one[name] == first[name] for one in configurations)])


def _add(table: Table, name: str, one: Expectation, common: Configuration) -> None:
    table.add_row(
        name,
        configuration_text(one.configuration.only([key for key in one.configuration if key not in common])),
        quantity_text(one.latency_s, "s"),
        interval_text(one.latency_interval, "s"),
        quantity_text(one.energy_per_request_j, "J"),
        interval_text(one.energy_interval, "J"),
        share_text(one.feasible_probability),
        style="bold" if name else "",
    )
