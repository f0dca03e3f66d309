"""The header ``Authorization``, whose secret stands in the environment and never in a file."""

import os
from typing import Dict

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import text_option

AUTHORIZATION_ENVIRONMENT = "authorization_environment"


def authorization_header(definition: WorkloadDefinition) -> Dict[str, str]:
    """Returns the header, if the workload's option ``authorization_environment`` names a variable of the environment.

    The variable holds the whole header (``Basic dXNlcjpr…``), or a key alone, which is sent as a bearer token.

    Raises:
        AdapterError: The variable is not set, or empty.
    """
    if AUTHORIZATION_ENVIRONMENT not in definition.options:
        return {}
    variable = text_option(definition, AUTHORIZATION_ENVIRONMENT)
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise AdapterError(
            f"The workload '{definition.name}' takes its key from the environment variable '{variable}', which is "
            "not set or empty where the workload's runner is started."
        )
    return {"Authorization": secret if " " in secret else f"Bearer {secret}"}
