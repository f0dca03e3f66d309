"""What servers call the counts of their traffic, and in which units: one preset a server.

Sources, each read in the server's own code or documentation:

* MLServer: ``mlserver/handlers/dataplane.py``, ``mlserver/rest/app.py`` and ``mlserver/grpc/server.py`` of 1.7.1.
* Triton: "Metrics" in its user guide, and ``src/metric_model_reporter.cc`` of its core.
* OpenVINO Model Server: ``docs/metrics.md``; its times are microseconds.
* vLLM: ``vllm/v1/metrics/loggers.py``.
* Text Generation Inference: ``docs/source/reference/metrics.md`` and ``router/src/server.rs``; its times are seconds.
* llama.cpp: "GET /metrics" in ``tools/server/README.md``.

``busy`` is the time that requests spent in the server, added up over requests: two at once count twice.
"""

from dataclasses import dataclass
from typing import Mapping, Tuple

from serving_adapter.metrics.series import Series

Quantity = Tuple[Series, ...]
"""Series that are added up."""

_US = 1e-6


@dataclass(frozen=True)
class Preset:
    """The metrics of one server.

    Attributes:
        server: The server's name, for messages.
        requests: Requests that were answered.
        failures: Requests that failed.
        latency: Histograms of the time from a request to its whole answer.
        ttft: Histograms of the time to the first token.
        tpot: Histograms of the time per output token: of the mean of each request where the server has it.
        output_tokens: Tokens that were generated.
        busy: Times that requests spent in the server.
        advice: What helps where the server counts no requests or no latencies, as the end of a sentence.
    """

    server: str
    requests: Quantity = ()
    failures: Quantity = ()
    latency: Quantity = ()
    ttft: Quantity = ()
    tpot: Quantity = ()
    output_tokens: Quantity = ()
    busy: Quantity = ()
    advice: str = "name what it counts in metrics.requests and metrics.latency"


def _of_model(label: str, *names: str, unit_s: float = 1.0) -> Quantity:
    return (Series(names, model_label=label, unit_s=unit_s),)


_REST_PATHS = tuple(
    f"/v2/models/{{model_name}}{version}/{verb}"
    for version in ("", "/versions/{model_version}")
    for verb in ("infer", "generate", "infer_stream", "generate_stream")
)
"""MLServer labels its latencies by route and not by model."""

_MLSERVER = Preset(
    server="MLServer",
    requests=_of_model("model", "model_infer_request_success_total"),
    failures=_of_model("model", "model_infer_request_failure_total"),
    latency=(
        Series(
            ("rest_server_request_duration_seconds",),
            labels={"path": _REST_PATHS, "method": ("POST",), "status_code": ("200",)},
        ),
        Series(("grpc_server_handling_seconds",), labels={"grpc_method": ("ModelInfer",)}),
    ),
    busy=_of_model("model", "model_infer_request_duration_sum"),
    advice="leave metrics_endpoint and metrics_rest_server_prefix of its settings.json as they are by default",
)

_TRITON = Preset(
    server="Triton",
    requests=_of_model("model", "nv_inference_request_success"),
    failures=_of_model("model", "nv_inference_request_failure"),
    ttft=_of_model("model", "nv_inference_first_response_histogram_ms", unit_s=1e-3),
    busy=_of_model("model", "nv_inference_request_duration_us", unit_s=_US),
    advice=(
        "Triton has only a sum of latencies (and, with --metrics-config histogram_latencies=true, a histogram of the "
        "time to the first response of decoupled models): name the histogram of a proxy before it in metrics.latency"
    ),
)

_INFERENCE_METHODS = ("ModelInfer", "Predict", "Unary", "Stream")

_OPENVINO = Preset(
    server="OpenVINO Model Server",
    requests=(Series(("ovms_requests_success",), labels={"method": _INFERENCE_METHODS}, model_label="name"),),
    failures=(Series(("ovms_requests_fail",), labels={"method": _INFERENCE_METHODS}, model_label="name"),),
    latency=_of_model("name", "ovms_request_time_us", unit_s=_US),
    busy=_of_model("name", "ovms_request_time_us_sum", unit_s=_US),
    advice="start it with --metrics_enable and --rest_port",
)

_LOST = {"finished_reason": ("abort", "error")}

_VLLM = Preset(
    server="vLLM",
    requests=(Series(("vllm:request_success_total",), without=_LOST, model_label="model_name"),),
    failures=(Series(("vllm:request_success_total",), labels=_LOST, model_label="model_name"),),
    latency=_of_model("model_name", "vllm:e2e_request_latency_seconds"),
    ttft=_of_model("model_name", "vllm:time_to_first_token_seconds"),
    # Before there was a mean a request, there was one observation a token, under two names.
    tpot=_of_model(
        "model_name",
        "vllm:request_time_per_output_token_seconds",
        "vllm:inter_token_latency_seconds",
        "vllm:time_per_output_token_seconds",
    ),
    output_tokens=_of_model("model_name", "vllm:generation_tokens_total"),
    busy=_of_model("model_name", "vllm:request_inference_time_seconds_sum"),
    advice="start it without --disable-log-stats",
)

_TGI = Preset(
    server="Text Generation Inference",
    requests=(Series(("tgi_request_success",)),),
    failures=(Series(("tgi_request_failure",)),),
    latency=(Series(("tgi_request_duration",)),),
    tpot=(Series(("tgi_request_mean_time_per_token_duration",)),),
    output_tokens=(Series(("tgi_request_generated_tokens_sum",)),),
    busy=(Series(("tgi_request_inference_duration_sum",)),),
    advice="it shows a metric from the first request on that is counted in it: send it one",
)

_LLAMA_CPP = Preset(
    server="llama.cpp's server",
    output_tokens=(Series(("llamacpp:tokens_predicted_total",)),),
    busy=(Series(("llamacpp:prompt_seconds_total",)), Series(("llamacpp:tokens_predicted_seconds_total",))),
    advice=(
        "it counts tokens and not requests: start it with --metrics, put a proxy before it that counts requests, "
        "and name the proxy's series in metrics.requests and metrics.latency"
    ),
)

PRESETS: Mapping[str, Preset] = {
    "llamacpp": _LLAMA_CPP,
    "mlserver": _MLSERVER,
    "openai": _VLLM,
    "openvino": _OPENVINO,
    "tgi": _TGI,
    "triton": _TRITON,
    "vllm": _VLLM,
}
"""By name. ``openai`` is what most servers of that interface expose, vLLM's names."""
