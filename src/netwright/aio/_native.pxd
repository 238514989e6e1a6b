"""Types that ``_stream`` builds on: what a poller watches, and what a task awaits."""

from libc.stdint cimport uint32_t, uint64_t


cdef extern from "sys/epoll.h" nogil:
    ctypedef union epoll_data_t:
        uint64_t u64

    struct epoll_event:
        uint32_t events
        epoll_data_t data

    enum: EPOLLIN, EPOLLOUT, EPOLLET, EPOLLRDHUP, EPOLLHUP, EPOLLERR, EPOLLPRI


cdef extern from "Python.h":
    ctypedef object (*vectorcallfunc)(object, void*, size_t, void*)


cdef object PENDING

cdef bint has_children() noexcept

cdef enum State:
    FRESH  # made, not yet awaited
    WAITING  # its task sleeps
    OVER  # it gave its result or its error


cdef struct Slot:
    void* target  # a Watched, borrowed: it removes itself before it dies
    double expiry  # no deadline of the target is earlier; it may be stale
    uint32_t generation  # events of an earlier owner of the descriptor carry another


cdef class Ready:
    cdef object value


cdef class Waiter:
    cdef vectorcallfunc call  # add_done_callback
    cdef Poller poller
    cdef object callback, context, error
    cdef public bint _asyncio_future_blocking

    cdef int wake(self, object done) except -1
    cdef int wake_soon(self) except -1


cdef class Operation:
    cdef Watched target
    cdef Waiter waiter
    cdef State state
    cdef int kind
    cdef int struck  # which of its deadlines is ``expiry``
    cdef bint writes
    cdef bint refused  # by the error in ``detail``
    cdef Py_ssize_t size, searched, offset
    cdef object detail, stage, waiting
    cdef double timeout, deadline, expiry, since, began

    cdef int wake(self) except -1


cdef class Watched:
    cdef Poller poller
    cdef Operation reading, writing
    cdef int fd
    cdef int budget, waits
    cdef bint yielded  # its budget is spent: it goes on in the next turn, behind what is ready

    cdef object attempt(self, Operation operation)
    cdef int on_event(self, uint32_t events) except -1
    cdef int bound(self, Operation operation, double now) except -1
    cdef object on_deadline(self, Operation operation, double now)
    cdef double soonest(self) noexcept
    cdef int on_wait(self, Operation operation) except -1
    cdef int on_resume(self, Operation operation) except -1
    cdef int on_turn(self) except -1
    cdef double on_time(self, double now) except? -1.0
    cdef str verb_of(self, int kind)
    cdef int queue(self, Operation operation) except -1
    cdef int next_turn(self, Operation over) except -1
    cdef bint is_spent(self) except -1


cdef class Poller:
    cdef public object loop, clock
    cdef bint outer  # the set is the loop's own
    cdef object timer, done, get_loop
    cdef readonly int fileno
    cdef readonly int watched
    cdef char* scratch
    cdef double now, armed, turn_at
    cdef unsigned long thread
    cdef bint debug
    cdef epoll_event* events
    cdef readonly int count  # events of the last look
    cdef int next
    cdef Slot* slots
    cdef int size
    cdef uint32_t generation
    cdef unsigned long era
    cdef list held, turns

    cdef double refresh(self) except? -1.0
    cdef int add(self, Watched target, int fd, uint32_t events) except -1
    cdef int open(self) except -1
    cdef int rest(self) except -1
    cdef int remove(self, Watched target) except -1
    cdef int forget(self, Watched target) except -1
    cdef int expect(self, Watched target) except -1
    cdef int turn(self, Watched target) except -1
    cdef int grow(self, int wanted) except -1
    cdef int arm(self, double at) except -1
    cdef int wait(self, int milliseconds) except -1
    cdef int serve(self, uint64_t tag, uint32_t events) except -1
    cdef int check_process(self) except -1
    cdef bint is_ours(self)
