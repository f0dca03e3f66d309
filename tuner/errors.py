"""Errors of our own. Each message is one sentence for the operator: what, where, what to do."""


class WattuneError(Exception):
    """Something failed while working (exit status 1)."""

    exit_status = 1


class BadInputError(WattuneError):
    """The request is wrong or refused; nothing was changed (exit status 2)."""

    exit_status = 2


class NotFoundError(BadInputError):
    """What the request names does not exist."""


class BusyError(BadInputError):
    """Another study owns the device set."""


class InfeasibleError(WattuneError):
    """No configuration that was measured holds the objective's SLOs (exit status 3)."""

    exit_status = 3


class ProcessLostError(WattuneError):
    """One of the processes that a study needs has died."""
