"""Starts the runner: ``INTERPRETER .../serving_adapter/runner/__main__.py --package serving_adapter=FOLDER``.

The interpreter is the workload's own, with its own installed packages. Exactly the packages that are named become
importable from our side: putting the folder around them on the path would mix two sets of installed packages.
"""

import sys

if sys.version_info < (3, 8):
    sys.exit("The runner needs Python 3.8 or later, and {} is {}.{}.".format(sys.executable, *sys.version_info))

import argparse
import importlib.util
import os


def _forget_own_folder() -> None:
    """Takes the folder of this file off the path, where its names would hide others (``process``, ``client``)."""
    own_folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - compared with sys.path, as text
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != own_folder]  # noqa: PTH100


def _make_importable(name: str, folder: str) -> None:
    """Imports a package from its folder under a name, without touching the path."""
    spec = importlib.util.spec_from_file_location(
        name,
        os.path.join(folder, "__init__.py"),  # noqa: PTH118 - pathlib is not needed this early
        submodule_search_locations=[folder],
    )
    if spec is None or spec.loader is None:
        sys.exit(f"The package {name} cannot be loaded from {folder}.")
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Wattune's workload runner; started by the daemon.")
    parser.add_argument("--package", action="append", default=[], metavar="NAME=FOLDER")
    arguments = parser.parse_args()
    _forget_own_folder()
    for package in arguments.package:
        name, _, folder = package.partition("=")
        _make_importable(name, folder)
    from serving_adapter.runner.program import run_program

    run_program()


if __name__ == "__main__":
    _main()
