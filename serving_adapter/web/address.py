"""Where a server is, as the operator writes it: ``http://host[:port][/path][?query]``."""

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from serving_adapter.contract import AdapterError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SECRET = re.compile(r"[^/]*//[^/?#]*@")
_TARGET = re.compile(r"[!-~]*")


class Address(NamedTuple):
    """A server, and where on it.

    Attributes:
        host: Its name or IP address, without brackets.
        port: Its TCP port.
        is_encrypted: Whether it is spoken to over TLS.
        origin: Scheme, host and port, as they are shown.
        authority: Host and port, as the header ``Host`` says them.
        path: The path, without a slash at its end.
        is_folder: Whether a slash was at its end.
        query: The query, without its question mark.
    """

    host: str
    port: int
    is_encrypted: bool
    origin: str
    authority: str
    path: str
    is_folder: bool
    query: str

    def target(self, path: str) -> str:
        """Returns what a request line says for a path below this address.

        Args:
            path: ``/v2/models``; empty for the address itself.

        Raises:
            AdapterError: The path has characters that no request line can have.
        """
        if not _TARGET.fullmatch(path) or "#" in path or (path and not path.startswith("/")):
            raise AdapterError(f"The path {path!r} on {self.origin} is none: begin with a slash and escape the rest.")
        whole = self.path + (path or "/" * self.is_folder) or "/"
        return f"{whole}?{self.query}" if self.query else whole


def parse_address(url: str) -> Address:
    """Returns the address that a URL names.

    Raises:
        AdapterError: It names none, or holds a password.
    """
    if _SECRET.match(url):
        raise AdapterError("A URL holds a user or a password: name an environment variable for them instead.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AdapterError(f"The URL {url!r} cannot be read: {error}.") from error
    if not _is_plain(url, parts):
        raise AdapterError(f"The URL {url!r} is not that of a server: write it like http://host:8000/path.")
    host = str(parts.hostname)
    shown_host = f"[{host}]" if ":" in host else host
    authority = shown_host if port is None else f"{shown_host}:{port}"
    return Address(
        host=host,
        port=port or _DEFAULT_PORTS[parts.scheme],
        is_encrypted=parts.scheme == "https",
        origin=f"{parts.scheme}://{authority}",
        authority=authority,
        path=parts.path.rstrip("/"),
        is_folder=parts.path.endswith("/"),
        query=parts.query,
    )


def _is_plain(url: str, parts: SplitResult) -> bool:
    is_server = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    return is_server and bool(_TARGET.fullmatch(url)) and "#" not in url
