"""Real traffic is measured by metrics, whose names the server's own name tells."""

import pytest

from serving_adapter.contract import AdapterError
from serving_adapter.kserve import KserveAdapter
from tests.unit.serving_adapter.kserve_servers import SERVER_METADATA, HttpServer, adapter_of


def test_without_metrics_there_is_no_live_traffic(adapter: KserveAdapter) -> None:
    with pytest.raises(AdapterError, match="metrics_url"):
        adapter.traffic()


@pytest.mark.parametrize(
    ("name", "series"),
    [("Triton", "nv_inference_request_success"), ("mlserver", "model_infer_request_success_total"), ("other", None)],
)
def test_the_servers_name_tells_what_its_metrics_are_called(server: HttpServer, name: str, series: str | None) -> None:
    server.documents["/v2"] = {**SERVER_METADATA, "name": name}
    server.documents["/metrics"] = b"# TYPE up gauge\nup 1\n"
    adapter = adapter_of(server.url, metrics_url=f"{server.url}/metrics")
    if series is None:
        with pytest.raises(AdapterError, match=r"metrics\.requests"):
            adapter.open()
    else:
        adapter.open()
        with pytest.raises(AdapterError, match=r"MLServer|Triton"):
            adapter.traffic()
        adapter.close()
