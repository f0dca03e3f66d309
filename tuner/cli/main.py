"""The command ``wattune``: finds the verb, imports that verb's module and no other, and turns errors into sentences.

A verb's module offers ``add_arguments(parser)`` and ``run(arguments) -> int``, which returns the exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from knobs.contract import KnobError, RefusedError
from serving_adapter.contract import AdapterError
from tuner.cli.arguments import Parser, add_json
from tuner.errors import BadInputError, WattuneError

_FAILED = 1
_REFUSED = 2


@dataclass(frozen=True)
class Verb:
    """One verb of the command: its module, its help in one line, and whether ``--json`` is its own affair."""

    module: str
    help: str
    has_own_json: bool = False


VERBS = {
    "probe": Verb("tuner.cli.probe", "list knobs and meters, and why others are absent"),
    "tune": Verb("tuner.cli.tune", "find the configuration with the least energy per request"),
    "retune": Verb("tuner.cli.retune", "tune again after fine-tuning, starting from an earlier study"),
    "status": Verb("tuner.cli.status", "show what the daemon does and what is in force"),
    "watch": Verb("tuner.cli.watch", "follow a study"),
    "cancel": Verb("tuner.cli.cancel", "end a study and take back its trial values"),
    "pareto": Verb("tuner.cli.pareto", "show the Pareto front of a study"),
    "report": Verb("tuner.cli.report", "write a study as HTML, PNG, CSV and JSON"),
    "apply": Verb("tuner.cli.apply", "set knobs for a while"),
    "confirm": Verb("tuner.cli.confirm", "keep what was applied, over restarts"),
    "restore": Verb("tuner.cli.restore", "take trial values back"),
    "verify": Verb("tuner.cli.verify", "check that the confirmed configuration is in force"),
    "doctor": Verb("tuner.cli.doctor", "check this installation and say what to mend"),
    "snapshot": Verb("tuner.cli.snapshot", "write this machine's knobs and meters to a file, for a bug report"),
    "calibrate": Verb("tuner.cli.calibrate", "fit a meter to one of wider scope, such as a plug at the wall"),
    "account": Verb("tuner.cli.account", "tell which layer and which operator of a model uses the energy"),
    "predict": Verb("tuner.cli.predict", "predict energy and latency of a model without running it"),
    "bench": Verb("tuner.cli.bench", "run the benchmarks", has_own_json=True),
    "serve": Verb("tuner.cli.serve", "run the daemon"),
    "keeper": Verb("tuner.cli.keeper", "run the process that owns the hardware knobs"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Args:
        argv: The arguments after the command's name; those of the process if None.

    Returns:
        The exit status: 0 done, 1 failed while working, 2 bad input or refused, 3 infeasible.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except WattuneError as error:
        return _say(error, error.exit_status)
    except RefusedError as error:
        return _say(error, _REFUSED)
    except (KnobError, AdapterError) as error:
        return _say(error, _FAILED)
    except KeyboardInterrupt:
        return _say("Interrupted.", _FAILED)
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not stumble over it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED


def _run(arguments: list[str]) -> int:
    chosen = arguments[0] if arguments and not arguments[0].startswith("-") else None
    if chosen is not None and chosen not in VERBS:
        raise BadInputError(f"There is no verb '{chosen}': choose one of {', '.join(VERBS)}.")
    module = _load(chosen) if chosen else None
    parser = _parser(chosen, module)
    if not arguments:
        parser.print_help(sys.stderr)
        return _REFUSED
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as request:
        # Help and version were asked for and have been printed.
        return int(request.code or 0)
    if module is None:
        raise BadInputError("The verb comes first: see 'wattune --help'.")
    return int(module.run(parsed))


def _parser(chosen: str | None, module: ModuleType | None) -> Parser:
    parser = Parser(prog="wattune", description="Serve a model at the least energy within its latency objective.")
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="show the version of wattune and exit")
    verbs = parser.add_subparsers(metavar="VERB", dest="verb")
    for name, verb in VERBS.items():
        verb_parser = verbs.add_parser(name, help=verb.help, description=f"{verb.help[0].upper()}{verb.help[1:]}.")
        if name == chosen and module is not None:
            module.add_arguments(verb_parser)
            if not verb.has_own_json:
                add_json(verb_parser)
    return parser


def _load(verb: str) -> ModuleType:
    try:
        return import_module(VERBS[verb].module)
    except ModuleNotFoundError as error:
        raise BadInputError(
            f"'wattune {verb}' needs the Python package {error.name}, which is not installed: install wattune with all "
            "its dependencies."
        ) from error


class _PrintVersion(argparse.Action):
    """Looks the version up when somebody asks for it: that takes longer than to start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Prints it and ends the process."""
        print(f"wattune {_version()}")
        parser.exit()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("wattune")
    except PackageNotFoundError:
        return "(not installed)"


def _say(sentence: object, status: int) -> int:
    print(f"wattune: {sentence}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
