"""Finds the model file that a definition names."""

from pathlib import Path

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import text_option


def model_file(definition: WorkloadDefinition) -> Path:
    """Returns the path of the option ``model``, which is a file that can be read.

    Raises:
        AdapterError: The option is missing, or the file is missing, unreadable or no regular file.
    """
    path = Path(text_option(definition, "model"))
    what = f"The model file '{path}' of the workload '{definition.name}'"
    try:
        if not path.is_file():
            raise AdapterError(f"{what} does not exist or is no file: give the path of one, from the root folder on.")
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise AdapterError(f"{what} cannot be read: {error.strerror}; let the runner's user read it.") from error
    return path
