"""The record's fields for kernels that write into it without a Python call."""

cdef class ConnectionRecord:
    cdef public object attempts, detail, kernel, probe
    cdef public object local, outcome, peer, protocol, role, service, stage, subject, timeline, transport
    cdef public object waiting
    cdef public double kernel_at, resolved_at
    cdef public double closed_at, first_in_at, first_out_at, handler_at, handler_time, last_in_at, last_out_at
    cdef public double opened_at, receive_waited, request_at, response_at, send_waited, started_at, waiting_since
    cdef public long long bytes_in, bytes_out, messages, number, reads, version, writes

    cdef int count_in(self, Py_ssize_t size, double at) except -1
    cdef int count_out(self, Py_ssize_t size, double at) except -1
    cdef int wait_for(self, object waiting, double at) except -1
