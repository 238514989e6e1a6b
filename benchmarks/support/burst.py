"""Many connects at once while the server does not accept: the slowest one's time."""

import errno
import resource
import selectors
import socket
import time

from benchmarks.support.claim import SkipError
from benchmarks.support.process import Server

__all__ = ["slowest_connect"]

_PATIENCE = 10.0  # seconds


def slowest_connect(server: Server, connections: int) -> float:
    """Make the server busy with ``b"!"``, then connect; seconds until the last connection is established."""
    allow_descriptors(connections + 100)
    with socket.create_connection(("127.0.0.1", server.port)) as busy:
        busy.sendall(b"!")
        time.sleep(0.05)  # it is at work now
        begin = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for _ in range(connections):
                sock = socket.socket()
                sock.setblocking(False)
                if sock.connect_ex(("127.0.0.1", server.port)) not in (0, errno.EINPROGRESS):
                    raise SkipError("connect refused")
                selector.register(sock, selectors.EVENT_WRITE)
            while selector.get_map() and time.monotonic() < begin + _PATIENCE:
                for key, _ in selector.select(0.1):
                    selector.unregister(key.fileobj)
                    assert isinstance(key.fileobj, socket.socket)
                    key.fileobj.close()
        return time.monotonic() - begin


def allow_descriptors(wanted: int) -> None:
    """Raise this process's limit, which its children inherit, to what is needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        raise SkipError(f"{hard} descriptors allowed (ulimit -Hn), {wanted} needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
