"""Where does the server listen?

Bound sockets from what the user named: host and port, a UNIX socket's path, or an inherited descriptor. A
socket is bound before the application starts up, so that a taken address is told at once, and listens after
it.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fastserve.address import parsed
from fastserve.errors import StartupError

__all__ = [
    "Address",
    "Binding",
    "address_error",
    "adopt",
    "bind",
    "bind_address",
    "bind_unix",
    "given",
    "with_plain",
]

#: Any program of the machine may connect, as to uvicorn's; the directory's mode is the lock.
_UDS_MODE = 0o666


class Address(Protocol):
    """What names the address: the options of these names."""

    bind: list[str]
    insecure_bind: list[str]
    host: str
    port: int
    uds: str | None
    uds_mode: str | None
    uds_owner: str | None
    uds_group: str | None
    fd: int | None
    reuse_port: bool

    @property
    def is_ssl(self) -> bool: ...


class Binding:
    """The sockets of one server, and what has to be tidied up once they are closed.

    `address` is what a message calls them: `http://127.0.0.1:8000`, `unix socket /run/app.sock`. `unlink` is
    the path of a UNIX socket of its own. `plain` are the names of those sockets that speak plain HTTP though
    the server speaks TLS. After `multiply()`, `sets` are as many sockets for each address, each with a queue
    of its own, and `shared` those of addresses where that is not possible.
    """

    def __init__(self, sockets: Sequence[socket.socket], address: str, unlink: str | None = None) -> None:
        self.sockets = sockets
        self.address = address
        self.plain: list[Any] = []
        self.shared = sockets
        self.sets: list[list[socket.socket]] = []
        self._paths = {} if unlink is None else {unlink: os.stat(unlink).st_ino}

    @classmethod
    def together(cls, bindings: Sequence[Binding]) -> Binding:
        """Return several as one."""
        sockets = [sock for binding in bindings for sock in binding.sockets]
        whole = cls(sockets, ", ".join(binding.address for binding in bindings))
        for binding in bindings:
            whole._paths.update(binding._paths)
            whole.plain += binding.plain
        return whole

    @classmethod
    def taken_over(cls, told: Mapping[str, Any]) -> Binding:
        """Return what `told()` has told of in the process that has started this one."""
        shared = [_inherited(descriptor) for descriptor in told["shared"]]
        sets = [[_inherited(descriptor) for descriptor in one] for one in told["sets"]]
        binding = cls([*shared, *(sock for one in sets for sock in one)], told["address"])
        binding.shared, binding.sets = shared, sets
        binding._paths = dict(told["paths"])
        binding.plain = [tuple(name) if isinstance(name, list) else name for name in told["plain"]]
        return binding

    def told(self) -> dict[str, Any]:
        """Tell, in terms of JSON, what another process has to know to take over."""
        return {
            "address": self.address,
            "shared": [sock.fileno() for sock in self.shared],
            "sets": [[sock.fileno() for sock in one] for one in self.sets],
            "paths": self._paths,
            "plain": self.plain,
        }

    @property
    def all(self) -> list[socket.socket]:
        return [*self.shared, *(sock for one in self.sets for sock in one)]

    def multiply(self, count: int) -> None:
        """Bind each address so many times, where the sockets were bound to allow it. Raises StartupError."""
        if self.sets:  # they were taken over
            return
        own = [sock for sock in self.sockets if _is_reusable(sock)]
        if own:
            self.shared = [sock for sock in self.sockets if sock not in own]
            self.sets.append(own)
            for _ in range(1, count):
                self.sets.append([_bound_again(sock) for sock in own])

    def leave(self) -> None:
        """Leave UNIX sockets' paths to another process."""
        self._paths.clear()

    def close(self) -> None:
        """Close the sockets, and remove UNIX sockets' paths unless another server has taken them over."""
        for sock in (*self.sockets, *self.all):
            sock.close()
        for path, inode in self._paths.items():
            try:
                if os.stat(path).st_ino == inode:
                    os.unlink(path)
            except FileNotFoundError:
                pass
        self._paths.clear()


def _inherited(descriptor: int) -> socket.socket:
    sock = socket.socket(fileno=descriptor)
    sock.set_inheritable(False)
    return sock


def bind(config: Address, single: bool = False) -> Binding:
    """Return the sockets that `config` names: `bind` before `fd`, `uds`, and host and port.

    With `single` only one: of the addresses of a host name the first of IPv4. Raises StartupError with one
    line that names the address and the system's reason.
    """
    binding = _bind(config, single)
    return binding if single else with_plain(config, binding)


def with_plain(config: Address, binding: Binding) -> Binding:
    """Return these sockets and those of `insecure_bind`. Raises StartupError, and closes all then."""
    if not config.insecure_bind:
        return binding
    try:
        plain = _bind_all(config, config.insecure_bind, "http")
    except StartupError:
        binding.close()
        raise
    plain.plain = [sock.getsockname() for sock in plain.sockets]
    return Binding.together([binding, plain])


def _bind(config: Address, single: bool) -> Binding:
    scheme = "https" if config.is_ssl else "http"
    if config.bind:
        return _bind_all(config, config.bind[:1] if single else config.bind, scheme)
    if config.fd is not None:
        return _adopt(config.fd)
    if config.uds is not None:
        return bind_unix(config.uds, config.uds_mode, config.uds_owner, config.uds_group)
    if not single:
        return _bind_tcp(config.host, config.port, scheme, reuse_port=config.reuse_port)
    return _bind_tcp(config.host, config.port, scheme, _version(config.host), 1)


def _version(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bind_all(config: Address, addresses: Sequence[str], scheme: str) -> Binding:
    """Bind each of these; none stays bound if one of them cannot be."""
    bound: list[Binding] = []
    try:
        for address in addresses:
            bound.append(bind_address(config, address, scheme))
    except StartupError:
        for binding in bound:
            binding.close()
        raise
    return Binding.together(bound)


def bind_address(config: Address, address: str, scheme: str) -> Binding:
    """Return a socket at this address, as an option spells one. Raises StartupError."""
    kind, value = parsed(address)
    if kind == "unix":
        return bind_unix(value, config.uds_mode, config.uds_owner, config.uds_group)
    if kind == "fd":
        return _adopt(int(value))
    host, _, port = value.rpartition(":")
    return _bind_tcp(host, int(port), scheme, reuse_port=config.reuse_port)


def adopt(descriptors: Sequence[int]) -> Binding:
    """Return sockets that another program bound and handed over. Raises StartupError."""
    return Binding.together([_adopt(descriptor) for descriptor in descriptors])


def given(sockets: Sequence[socket.socket], plain: Sequence[Any] = ()) -> Binding:
    """Return sockets that somebody else bound, to be closed with the server."""
    binding = Binding(sockets, " ".join(f"socket {sock.getsockname()}" for sock in sockets))
    binding.plain = [*plain]
    return binding


def address_error(address: str, error: OSError | UnicodeError) -> StartupError:
    """Return the one line for a socket that cannot be bound or cannot listen."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return StartupError(f"Cannot listen on {address}: {reason}")


def _adopt(fd: int) -> Binding:
    # A duplicate: the descriptor stays open for whoever handed it over (systemd, a supervising parent).
    duplicate = -1
    try:
        duplicate = os.dup(fd)
        sock = socket.socket(fileno=duplicate)
    except OSError as error:
        if duplicate >= 0:
            os.close(duplicate)
        raise address_error(f"file descriptor {fd}", error) from None
    if sock.type != socket.SOCK_STREAM:
        sock.close()
        raise StartupError(f"Cannot listen on file descriptor {fd}: it is not a stream socket")
    return Binding([sock], f"socket {sock.getsockname()}")


def bind_unix(path: str, mode_wanted: str | None, owner: str | None, group: str | None) -> Binding:
    """Return a socket at this path, in place of one that nobody serves any more. Raises StartupError."""
    mode = _UDS_MODE
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    is_ours = False
    try:
        uid = -1 if owner is None else _user_id(owner)
        gid = -1 if group is None else _group_id(group)
        status = _status(path)
        if status is not None and stat.S_ISSOCK(status.st_mode):
            if _is_served(path):
                taken = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
                raise _told_with_holder(taken, socket.AF_UNIX, path)
            # What a server that was killed left behind; the mode that someone gave it stays.
            mode = stat.S_IMODE(status.st_mode)
            os.unlink(path)
        sock.bind(path)
        is_ours = True
        # Nobody can connect before it listens: there is no moment with other permissions.
        os.chown(path, uid, gid)
        os.chmod(path, mode if mode_wanted is None else int(mode_wanted, 8))
    except OSError as error:
        sock.close()
        if is_ours:
            os.unlink(path)
        raise address_error(f"unix socket {path}", error) from None
    return Binding([sock], f"unix socket {path}", unlink=path)


def _user_id(owner: str) -> int:
    import pwd  # where there are UNIX sockets and owners of them

    try:
        return int(owner) if owner.isdecimal() else pwd.getpwnam(owner).pw_uid
    except KeyError:
        raise OSError(errno.EINVAL, f"there is no user {owner!r}") from None


def _group_id(group: str) -> int:
    import grp

    try:
        return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise OSError(errno.EINVAL, f"there is no group {group!r}") from None


def _told_with_holder(error: OSError, family: int, address: Any) -> OSError:
    from fastserve.holder import told_with_holder  # only where an address is taken

    return told_with_holder(error, family, address)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _is_served(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full backlog answers EAGAIN: somebody listens
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError as error:
            return error.errno == errno.EAGAIN
    return True


def _bind_tcp(
    host: str,
    port: int,
    scheme: str,
    version: int = socket.AF_UNSPEC,
    count_max: int | None = None,
    reuse_port: bool = False,
) -> Binding:
    """Bind the addresses that the name stands for, all to one port. An empty host is every interface."""
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    try:
        # As bytes where possible: for text Python loads its IDNA codec, a millisecond of the start.
        name = host.encode() if host.isascii() else host
        found = socket.getaddrinfo(
            name or None, port, family=version, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in list(dict.fromkeys(found))[:count_max]:
            try:
                target = (address[0], port, *address[2:])
                sockets.append(_bind_one(family, kind, protocol, target, reuse_port))
            except OSError as error:
                # A name may stand for an address of a family that this machine does not have ("::1" in a
                # container).
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                absent = error
            else:
                port = sockets[-1].getsockname()[
                    1
                ]  # the free port that the first one took is the port of all
        if absent is not None and not sockets:
            raise absent
    except (OSError, UnicodeError) as error:  # UnicodeError: no host name at all
        for sock in sockets:
            sock.close()
        raise address_error(_authority(host, port), error) from None
    return Binding(sockets, f"{scheme}://{_authority(host, port)}")


def _bind_one(
    family: int, kind: int, protocol: int, address: tuple[str | int, ...], reuse_port: bool
) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            if not hasattr(socket, "SO_REUSEPORT"):
                raise OSError(errno.ENOPROTOOPT, os.strerror(errno.ENOPROTOOPT))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # Or it would claim the IPv4 port too, and "::" could not stand beside "0.0.0.0".
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise _told_with_holder(error, family, address) from None
    return sock


def _is_reusable(sock: socket.socket) -> bool:
    inet = (socket.AF_INET, socket.AF_INET6)
    return sock.family in inet and sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) != 0


def _bound_again(sock: socket.socket) -> socket.socket:
    address = sock.getsockname()
    try:
        return _bind_one(sock.family, sock.type, sock.proto, address, True)
    except OSError as error:
        raise address_error(f"{address[0]} port {address[1]}", error) from None


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host or '0.0.0.0'}:{port}"
