"""Finds the process on this machine that listens on an address (proc(5): /proc/net/tcp, /proc/PID/fd)."""

import contextlib
import os
import re
import socket
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Union

_IpAddress = Union[IPv4Address, IPv6Address]

_PROC = Path("/proc")
_LISTENING = "0A"
_SOCKET_LINK = re.compile(r"socket:\[([0-9]+)\]")
_FORWARDERS = frozenset(("docker-proxy", "rootlessport", "slirp4netns", "pasta", "ssh", "kubectl"))
"""Programs that listen for a server that is elsewhere: in a container, or on another machine."""


class _Listener(NamedTuple):
    address: _IpAddress
    port: int
    inode: str


def listening_pid(host: str, port: int) -> Optional[int]:
    """Returns the process that listens there; of a parent and the workers that it has forked, the parent.

    Args:
        host: Name or IP address of a server.
        port: Its TCP port.

    Returns:
        None if the server is on another machine or in a container, or belongs to a user whose processes we may not
        see.
    """
    wanted = _addresses_of_this_machine(host)
    listeners = [listener for listener in _listeners() if listener.port == port]
    for address in wanted:
        inodes = _most_specific(address, listeners)
        pid = _eldest(_holders(inodes)) if inodes else None
        if pid is not None:
            return pid
    return None


def _addresses_of_this_machine(host: str) -> List[_IpAddress]:
    """Returns the addresses of a host that are ours; binding tells, without a packet on the network."""
    found: List[_IpAddress] = []
    try:
        resolved = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    for family, kind, protocol, _, address in resolved:
        with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
            found.append(_plain(ip_address(str(address[0]).partition("%")[0])))
    return found


def _listeners() -> Iterator[_Listener]:
    """Yields the listening TCP sockets of our network namespace."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING:
                    address, _, port = fields[1].partition(":")
                    yield _Listener(_kernel_address(address), int(port, 16), fields[9])


def _kernel_address(text: str) -> _IpAddress:
    """Returns an address that the kernel prints as words of 32 bits, each in the byte order of the processor."""
    words = [int(text[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(text), 8)]
    return _plain(ip_address(b"".join(words)))


def _plain(address: _IpAddress) -> _IpAddress:
    """Returns an IPv4 address that is written as an IPv6 one as itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _most_specific(address: _IpAddress, listeners: List[_Listener]) -> Set[str]:
    """Returns the sockets to which the kernel gives a connection to an address: those of the address itself first."""
    wildcards = (IPv4Address(0), IPv6Address(0)) if address.version == 4 else (IPv6Address(0),)
    for local in (address, *wildcards):
        inodes = {listener.inode for listener in listeners if listener.address == local}
        if inodes:
            return inodes
    return set()


def _holders(inodes: Set[str]) -> Dict[int, int]:
    """Returns the processes that hold one of these sockets, each with its parent."""
    holders: Dict[int, int] = {}
    for entry in _PROC.iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if entry.name.isdecimal() and _holds_one(entry, inodes):
                name, _, rest = (entry / "stat").read_text(errors="replace").partition("(")[2].rpartition(")")
                if name not in _FORWARDERS:
                    holders[int(entry.name)] = int(rest.split()[1])
    return holders


def _holds_one(process: Path, inodes: Set[str]) -> bool:
    for descriptor in (process / "fd").iterdir():
        with contextlib.suppress(OSError):
            match = _SOCKET_LINK.fullmatch(os.readlink(descriptor))  # noqa: PTH115 - Path.readlink came with Python 3.9
            if match is not None and match[1] in inodes:
                return True
    return False


def _eldest(holders: Dict[int, int]) -> Optional[int]:
    """Returns the process that started the others; not process 1, which only holds sockets for those it starts."""
    served = {pid: parent for pid, parent in holders.items() if pid != 1} or holders
    roots = [pid for pid, parent in served.items() if parent not in served]
    return min(roots, default=None)
