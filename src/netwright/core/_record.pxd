"""The record's fields for kernels that write into it without a Python call."""

cdef class ExchangeRecord:
    cdef public double began, handler, answered
    cdef public object subject, note
    cdef public int status

cdef class ConnectionRecord:
    cdef public object attempts, ended, exchanges, kernel, probe
    cdef public object local, peer, protocol, role, service, timeline, transport
    cdef public object waiting
    cdef public double kernel_at, resolved_at
    cdef public double close_waited, closed_at, idle_waited, first_in_at, first_out_at, handler_time, last_in_at, last_out_at
    cdef public double opened_at, receive_waited, send_waited, started_at, waiting_since
    cdef public long long bytes_in, bytes_out, messages, number, reads, version, writes

    cdef int count_in(self, Py_ssize_t size, double at) except -1
    cdef int count_out(self, Py_ssize_t size, double at) except -1
    cdef int wait_for(self, object waiting, double at) except -1
