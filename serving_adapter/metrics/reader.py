"""Reads what a server has counted of its real traffic."""

from typing import Any, Dict, Mapping, Optional

from serving_adapter.contract import AdapterError, Histogram, Traffic
from serving_adapter.metrics.exposition import Exposition, ExpositionError, parse_exposition
from serving_adapter.metrics.options import METRICS, METRICS_URL, MODEL, read_preset
from serving_adapter.metrics.presets import Preset
from serving_adapter.metrics.series import histogram, models, total
from serving_adapter.web import Endpoint

TIMEOUT_S = 10.0
LONGEST_ANSWER_BYTES = 1 << 24

# Newer versions of Prometheus' libraries send names that are not in the format's first version, unless asked for it.
_HEADERS = {"Accept": "text/plain;version=0.0.4"}
_STARTED = "process_start_time_seconds"


def metrics_reader(workload_name: str, options: Mapping[str, Any], preset: str = "") -> Optional["MetricsReader"]:
    """Returns a reader of a server's metrics; None if the operator does not say where they are.

    Args:
        workload_name: For messages.
        options: The workload's options, of which ``metrics_url``, ``metrics`` and ``model`` are read.
        preset: Whose metrics they are, if the options do not say it.

    Raises:
        AdapterError: An option is wrong.
    """
    url, model = options.get(METRICS_URL), options.get(MODEL, "")
    if url is None:
        return None
    if not isinstance(url, str) or not isinstance(model, str):
        raise AdapterError(f"The options metrics_url and model of the workload '{workload_name}' must be texts.")
    endpoint = Endpoint(url, TIMEOUT_S, _HEADERS, LONGEST_ANSWER_BYTES)
    return MetricsReader(workload_name, endpoint, read_preset(workload_name, options.get(METRICS), preset), model)


class MetricsReader:
    """Looks at a server's metrics. Use from one thread.

    What is counted within a stretch of time is the difference of two looks (``Traffic.since``). A look that can tell
    that its difference from the one before would mean nothing is refused: that is once; the next one starts afresh.
    """

    def __init__(self, workload_name: str, endpoint: Endpoint, preset: Preset, model: str = "") -> None:
        """Asks nothing yet.

        Args:
            workload_name: For messages.
            endpoint: Where the metrics are.
            preset: What they are called.
            model: The model whose requests count; empty for the only one.
        """
        self._workload_name = workload_name
        self._endpoint = endpoint
        self._preset = preset
        self._model = model
        self._started_s: Optional[float] = None
        self._others: Optional[float] = None

    def traffic(self) -> Traffic:
        """Returns what the server has counted since its start.

        Raises:
            AdapterError: It does not answer, answers something else than metrics, does not count what is needed, was
                started again since the last look, or has served another model meanwhile that its latencies do not
                tell apart.
        """
        exposition = self._look()
        self._check_same_server(exposition)
        requests = self._requests(exposition)
        self._check_alone(exposition, requests)
        return Traffic(
            requests=requests,
            failures=total(exposition, self._preset.failures, self._model) or 0.0,
            histograms=self._histograms(exposition),
            output_tokens=total(exposition, self._preset.output_tokens, self._model),
            busy_s=total(exposition, self._preset.busy, self._model),
        )

    def close(self) -> None:
        """Closes the connection to the server."""
        self._endpoint.close()

    def _look(self) -> Exposition:
        answer = self._endpoint.request("GET", "")
        if answer.status != 200:
            raise self._endpoint.refusal("GET", "", answer)
        try:
            return parse_exposition(answer.body)
        except ExpositionError as error:
            raise AdapterError(
                f"What {self._endpoint.origin} answered for metrics_url of the workload '{self._workload_name}' is "
                f"not in the text format of Prometheus: {error}"
            ) from error

    def _check_same_server(self, exposition: Exposition) -> None:
        """Notices a restart even if as many requests have been counted since then as before."""
        samples = exposition.samples.get(_STARTED, ())
        before, self._started_s = self._started_s, samples[0].value if len(samples) == 1 else None
        if None not in (before, self._started_s) and before != self._started_s:
            self._others = None
            raise AdapterError(f"{self._subject} was started again while it was measured: measure again.")

    def _requests(self, exposition: Exposition) -> float:
        requests = total(exposition, self._preset.requests, self._model)
        if requests is None:
            raise AdapterError(f"{self._subject} shows no count of requests: {self._preset.advice}.")
        known = models(exposition, self._preset.requests)
        if self._model and known and self._model not in known:
            raise AdapterError(
                f"{self._subject} has counted no request of the model '{self._model}', but of {_listed(known)}: "
                "correct the option model, or wait for its first request."
            )
        if not self._model and len(known) > 1:
            raise AdapterError(f"{self._subject} serves {_listed(known)}: say with the option model which one counts.")
        return requests

    def _check_alone(self, exposition: Exposition, requests: float) -> None:
        """Makes sure that latencies which are not told apart by model are those of this model."""
        if any(series.model_label for series in self._preset.latency):
            return
        every = total(exposition, self._preset.requests, "") or 0.0
        before, self._others = self._others, every - requests
        if before is not None and self._others > before:
            raise AdapterError(
                f"{self._subject} has served another model meanwhile, whose latencies it does not tell apart: "
                "serve the other model by another process while this one is measured."
            )

    def _histograms(self, exposition: Exposition) -> Dict[str, Histogram]:
        preset = self._preset
        latency = histogram(exposition, preset.latency, self._model)
        if latency is None:
            if not any(series.known_name(exposition) for series in preset.latency):
                raise AdapterError(f"{self._subject} shows no histogram of latencies: {preset.advice}.")
            raise AdapterError(f"{self._subject} has not answered a request yet: measure while real traffic flows.")
        others = {
            metric: histogram(exposition, quantity, self._model)
            for metric, quantity in (("ttft", preset.ttft), ("tpot", preset.tpot))
        }
        return {"latency": latency, **{metric: found for metric, found in others.items() if found is not None}}

    @property
    def _subject(self) -> str:
        return f"{self._preset.server} at {self._endpoint.origin} (workload '{self._workload_name}')"


def _listed(names: "frozenset[str]") -> str:
    return ", ".join(f"'{name[:40]}'" for name in sorted(names)[:5])
