# cython: language_level=3, binding=False, embedsignature=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Accepting without a socket object for each connection: accept4, a bare descriptor, one edge-triggered watch.

``sockets.py`` has ``SocketHandle`` and ``accept`` with the same behaviour; ``Queue`` is the native engine's alone.
"""

cimport cython
from libc.errno cimport EAGAIN, EINTR, errno
from libc.math cimport INFINITY
from libc.stdint cimport uint16_t, uint32_t

from netwright.aio._native cimport EPOLLET, EPOLLIN, PENDING, Operation, Poller, Watched

import os
import socket

from netwright.core.address import InetAddress, UnixAddress, from_sockname
from netwright.aio.engine import Handle

cdef extern from "Python.h":
    int PyObject_GenericSetAttr(object, object, object) except -1

cdef extern from "unistd.h" nogil:
    int c_close "close"(int)

cdef extern from "sys/socket.h" nogil:
    ctypedef unsigned int socklen_t

    struct sockaddr:
        pass

    struct sockaddr_storage:
        unsigned short ss_family

    struct linger:
        int l_onoff
        int l_linger

    int accept4(int, sockaddr*, socklen_t*, int)
    int c_getsockname "getsockname"(int, sockaddr*, socklen_t*)
    int c_setsockopt "setsockopt"(int, int, int, const void*, socklen_t)
    int SOCK_NONBLOCK, SOCK_CLOEXEC, AF_INET, AF_INET6, AF_UNIX, SOL_SOCKET, SO_LINGER

cdef extern from "netinet/in.h" nogil:
    struct in_addr:
        pass

    struct in6_addr:
        pass

    struct sockaddr_in:
        uint16_t sin_port
        in_addr sin_addr

    struct sockaddr_in6:
        uint16_t sin6_port
        in6_addr sin6_addr
        uint32_t sin6_scope_id

    uint16_t ntohs(uint16_t)

cdef extern from "sys/un.h" nogil:
    struct sockaddr_un:
        char sun_path[108]

cdef extern from "arpa/inet.h" nogil:
    const char* inet_ntop(int, const void*, char*, socklen_t)

cdef enum:
    TEXT = 64  # bytes, more than an IPv6 address needs
    PATH_AT = 2  # offset of sun_path, unix(7)

cdef object UNNAMED = UnixAddress("")


cdef object name_of(sockaddr_storage* name, socklen_t size):
    """The address of a socket's name."""
    cdef char text[TEXT]
    cdef sockaddr_in6* six = <sockaddr_in6*>name
    cdef char* path
    cdef Py_ssize_t length
    if name.ss_family == AF_INET:
        inet_ntop(AF_INET, &(<sockaddr_in*>name).sin_addr, text, TEXT)
        return inet_address(text.decode("ascii"), ntohs((<sockaddr_in*>name).sin_port))
    if name.ss_family == AF_INET6:
        inet_ntop(AF_INET6, &six.sin6_addr, text, TEXT)
        host = text.decode("ascii")
        if six.sin6_scope_id:
            try:
                host = f"{host}%{socket.if_indextoname(six.sin6_scope_id)}"
            except OSError:
                host = f"{host}%{six.sin6_scope_id}"
        return inet_address(host, ntohs(six.sin6_port))
    if name.ss_family == AF_UNIX:
        length = <Py_ssize_t>size - PATH_AT
        if length <= 0:
            return UNNAMED
        path = (<sockaddr_un*>name).sun_path
        return from_sockname(path[:length] if path[0] == 0 else os.fsdecode(path[:length].split(b"\0")[0]))
    raise OSError(f"address family {name.ss_family}: AF_INET, AF_INET6 and AF_UNIX allowed")


cdef object inet_address(object host, int port):
    """An InetAddress without a call of its ``__init__``."""
    made = InetAddress.__new__(InetAddress)
    PyObject_GenericSetAttr(made, "host", host)
    PyObject_GenericSetAttr(made, "port", port)
    return made


cdef class SocketHandle:
    """A connected socket, not blocking; ``sockets.SocketHandle`` has the attributes."""

    cdef int fd
    cdef readonly object peer, refused

    def __cinit__(self):
        self.fd = -1

    def __init__(self, sock, peer, refused=()):
        self.fd = sock if isinstance(sock, int) else sock.detach()
        self.peer, self.refused = peer, refused

    def __dealloc__(self):
        if self.fd >= 0:
            c_close(self.fd)

    def __repr__(self):
        return f"<SocketHandle {self.descriptor} {self.peer}>"

    @property
    def descriptor(self):
        return None if self.fd < 0 else self.fd

    @property
    def local(self):
        cdef sockaddr_storage name
        cdef socklen_t size = sizeof(name)
        if c_getsockname(self.fd, <sockaddr*>&name, &size) < 0:
            raise OSError(errno, os.strerror(errno))
        return name_of(&name, size)

    def detach(self):
        """The descriptor, which is the caller's from now on."""
        fd, self.fd = self.fd, -1
        if fd < 0:
            raise OSError(9, os.strerror(9))  # EBADF
        return fd

    def release(self):
        """The same as a socket."""
        from netwright.aio.sockets import socket_of  # which takes this module's names

        return socket_of(self.detach(), self.peer)

    def close(self, *, reset=False):
        cdef linger now
        fd, self.fd = self.fd, -1
        if fd >= 0:
            if reset:
                now.l_onoff, now.l_linger = 1, 0
                c_setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now))
            c_close(fd)


def accept(listening):
    """The next connection of an accept queue; None if the queue is empty."""
    cdef sockaddr_storage name
    cdef socklen_t size
    cdef SocketHandle handle
    cdef int fd, queue = listening.fileno()
    while True:
        size = sizeof(name)
        fd = accept4(queue, <sockaddr*>&name, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)
        if fd >= 0:
            break
        if errno == EAGAIN:
            return None
        if errno != EINTR:
            raise OSError(errno, os.strerror(errno))
    handle = SocketHandle.__new__(SocketHandle)
    handle.fd, handle.refused = fd, ()
    handle.peer = name_of(&name, size)
    return handle


cdef class Queue(Watched):
    """The watch over a listening socket, registered once: ``wait`` returns when something came since it last did."""

    cdef bint news

    def __init__(self, Poller poller, int fd):
        poller.add(self, fd, <uint32_t>(EPOLLIN | EPOLLET))

    def __del__(self):
        self.close()

    def wait(self):
        cdef Operation operation = Operation.__new__(Operation)
        operation.target, operation.timeout, operation.deadline = self, INFINITY, INFINITY
        return operation

    def close(self):
        """Watch no more; before the descriptor is closed."""
        if self.fd >= 0 and self.poller.is_ours():
            self.poller.forget(self)

    cdef object attempt(self, Operation operation):
        if self.news:
            self.news = False
            return None
        return PENDING

    cdef int on_event(self, uint32_t events) except -1:
        self.news = True
        if self.reading is not None:
            self.reading.wake()
        return 0


Handle.register(SocketHandle)
