"""The client of HTTP over TLS, against a real server with a certificate of its own."""

import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from serving_adapter.contract import RequestFailedError
from serving_adapter.web import Endpoint


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    clients: ClassVar[set[Any]] = set()

    def do_POST(self) -> None:
        self.clients.add(self.client_address)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for ``localhost`` that nobody has signed, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([openssl, *words.split(), "-keyout", path, "-out", path], check=True, capture_output=True)
    if b"CERTIFICATE" not in path.read_bytes():  # written over by the key, by some versions
        pytest.skip("this openssl does not write key and certificate into one file")
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    Echo.clients = set()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_one_encrypted_connection_serves_request_after_request(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    endpoint = Endpoint(f"https://localhost:{port}")
    bodies = [b"small", bytes(range(256)) * 4000, b"small again"]
    assert [endpoint.request("POST", "/", body).body for body in bodies] == bodies
    assert len(Echo.clients) == 1
    endpoint.close()


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(port: int) -> None:
    endpoint = Endpoint(f"https://localhost:{port}")
    with pytest.raises(RequestFailedError, match=r"cannot be reached .*certificate verify failed"):
        endpoint.request("POST", "/", b"secret")
    endpoint.close()
    assert not Echo.clients


def test_a_server_with_the_name_of_another_is_not_spoken_to(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    endpoint = Endpoint(f"https://127.0.0.1:{port}")
    with pytest.raises(RequestFailedError, match=r"certificate verify failed"):
        endpoint.request("POST", "/", b"secret")
    endpoint.close()
