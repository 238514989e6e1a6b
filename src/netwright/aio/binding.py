"""Listening on every address of a name with one port, or on none."""

import errno
from collections.abc import Sequence

from netwright.aio.engine import Engine, ListeningHandle
from netwright.aio.sockets import BindError
from netwright.core.address import Address, InetAddress
from netwright.core.tuning import Tuning

__all__ = ["listen_on"]

ABSENT = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}  # no address of this machine: its other addresses will do
PORT_TRIES = 16  # numbers that were free for one address and taken for another


def listen_on(ours: Engine, where: Sequence[Address], tuning: Tuning) -> list[ListeningHandle]:
    """Listen on all addresses of ``where`` with one port; return a handle for each.

    Raises:
        BindError: one is taken, or none is an address of this machine; nothing is left bound.
    """
    tries = PORT_TRIES if len(where) > 1 and isinstance(where[0], InetAddress) and not where[0].port else 1
    while True:
        tries -= 1
        try:
            return _listen_once(ours, where, tuning)
        except BindError as error:
            if not tries or error.errno != errno.EADDRINUSE:
                raise


def _listen_once(ours: Engine, where: Sequence[Address], tuning: Tuning) -> list[ListeningHandle]:
    handles: list[ListeningHandle] = []
    for address in where:
        try:
            handles.append(_listen_on(ours, address, handles, tuning))
        except BindError as error:
            if error.errno in ABSENT and (handles or address != where[-1]):
                continue
            for handle in handles:
                handle.close()
            raise
    return handles


def _listen_on(ours: Engine, address: Address, others: list[ListeningHandle], tuning: Tuning) -> ListeningHandle:
    """Listen on each address; port 0 becomes the port that the kernel chose for the first one."""
    if others and isinstance(address, InetAddress) and not address.port:
        address = InetAddress(address.host, others[0].address.port)
    try:
        return ours.listen(address, tuning)
    except BindError:
        raise
    except OSError as error:
        raise BindError(address, error) from error
