"""Where an external meter is: ``scheme://host[:port][?name=value&…]``, as the operator writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

_DEFAULT_PORT = 80


class AddressError(ValueError):
    """An address cannot be understood. The message is one sentence for the operator."""


@dataclass(frozen=True)
class Address:
    """The address of an external meter.

    Attributes:
        scheme: What kind of meter is there.
        host: Its name or IP address.
        port: Its TCP port.
        options: What else the operator says, by name.
    """

    scheme: str
    host: str
    port: int
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Address:
        """Returns the address that a text names.

        Raises:
            AddressError: It names none.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port or _DEFAULT_PORT
        except ValueError as error:
            raise AddressError(f"{text!r} is no address: {error}") from error
        if not parts.scheme or not host or parts.path not in ("", "/") or parts.fragment:
            raise AddressError(f"{text!r} is no address of the form scheme://host or scheme://host:port?name=value")
        if parts.username is not None or parts.password is not None:
            raise AddressError(f"the address of {host} carries a password, which no external meter here takes")
        return cls(parts.scheme, host, port, dict(parse_qsl(parts.query)))

    def number(self, name: str, default: int) -> int:
        """Returns an option that is a whole number of at least zero.

        Raises:
            AddressError: It is something else.
        """
        text = self.options.get(name, str(default))
        if not text.isdecimal() or not text.isascii():
            raise AddressError(f"{name}={text} in the address of {self.host} is no whole number")
        return int(text)

    def allow(self, *names: str) -> None:
        """Checks that there are no other options than these.

        Raises:
            AddressError: There are.
        """
        if unknown := sorted(self.options.keys() - set(names)):
            raise AddressError(f"{unknown[0]} in the address of {self.host} is unknown; known are: {', '.join(names)}")
