# cython: language_level=3, binding=False, embedsignature=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""One epoll set under any asyncio loop: watched descriptors, direct wake of the waiting task, lazy deadlines.

What a task awaits is an ``Operation``: a coroutine that tries at once and yields only when it must wait.  It yields a
``Waiter``, which is to the task a future; the poller wakes the task through it inside the task's context, with no
Future, no Handle and no further turn of the loop.  Between "data taken" and "task resumed" nothing can happen, so
that a cancelled task never takes bytes with it.

Tasks are only ever stepped directly from the poller's own callbacks, where no other task runs; every other wake goes
through ``loop.call_soon``.
"""

cimport cython
from cpython.ref cimport PyObject
from libc.errno cimport EINTR, errno
from libc.math cimport INFINITY
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import os
import warnings
from asyncio import CancelledError, Future, _get_running_loop
from netwright.aio.stream import ELSEWHERE
from netwright.core.errors import DeadlineError, UsageError

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil

cdef extern from "Python.h":
    object PyObject_GenericGetAttr(object, object)
    int PyObject_GenericSetAttr(object, object, object) except -1

cdef extern from "unistd.h" nogil:
    int c_close "close"(int)

cdef extern from "sys/epoll.h" nogil:
    int epoll_create1(int)
    int epoll_ctl(int, int, int, epoll_event*)
    int epoll_wait(int, epoll_event*, int, int)
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD

cdef extern from *:
    """
    #include <time.h>
    /* A coroutine's two fast entrances, which Cython has no syntax for: am_send and tp_iternext. */
    typedef PyObject* (*try_t)(PyObject*, int*);
    typedef int (*of_object_t)(PyObject*);
    static try_t nw_try;
    static of_object_t nw_end, nw_is_unawaited, nw_warn;
    static destructor nw_free;
    /* One step; an error ends the operation.  A ``try`` of Cython would save the exception state at every step. */
    static PyObject* nw_step(PyObject* self, int* over) {
        PyObject *kind, *value, *trace, *result = nw_try(self, over);
        if (result == NULL) {
            PyErr_Fetch(&kind, &value, &trace);
            if (nw_end(self) < 0) { Py_XDECREF(kind); Py_XDECREF(value); Py_XDECREF(trace); }
            else PyErr_Restore(kind, value, trace);
        }
        return result;
    }
    static PySendResult nw_am_send(PyObject* self, PyObject* value, PyObject** result) {
        int over = 0;
        *result = nw_step(self, &over);
        return *result == NULL ? PYGEN_ERROR : over ? PYGEN_RETURN : PYGEN_NEXT;
    }
    static PyObject* nw_iternext(PyObject* self) {
        int over = 0;
        PyObject *error, *result = nw_step(self, &over);
        if (result == NULL || !over) return result;
        if (result != Py_None) {
            error = PyObject_CallFunctionObjArgs(PyExc_StopIteration, result, NULL);
            if (error != NULL) { PyErr_SetObject(PyExc_StopIteration, error); Py_DECREF(error); }
        }
        Py_DECREF(result);
        return NULL;
    }
    static void nw_make_coroutine(PyObject* type, try_t step, of_object_t end) {
        PyTypeObject* self = (PyTypeObject*)type;
        nw_try = step;
        nw_end = end;
        self->tp_iternext = nw_iternext;
        self->tp_as_async->am_send = nw_am_send;
        PyType_Modified(self);
    }
    /* The warning of a coroutine that was never awaited, in place of ``__dealloc__``: one comparison for all others. */
    static void nw_dealloc(PyObject* self) {
        PyObject *kind, *value, *trace;
        Py_SET_REFCNT(self, 1);
        if (nw_is_unawaited(self)) {
            PyErr_Fetch(&kind, &value, &trace);
            if (nw_warn(self) < 0) PyErr_WriteUnraisable(self);
            PyErr_Restore(kind, value, trace);
        }
        Py_SET_REFCNT(self, 0);
        nw_free(self);
    }
    static void nw_make_awaited(PyObject* type, of_object_t is_unawaited, of_object_t warn) {
        nw_is_unawaited = is_unawaited;
        nw_warn = warn;
        nw_free = ((PyTypeObject*)type)->tp_dealloc;
        ((PyTypeObject*)type)->tp_dealloc = nw_dealloc;
    }
    /* ``waiter.add_done_callback(callback, *, context)``, which a Task calls at every wait.  The attribute is the waiter
       itself, which can be called: no bound method is made. */
    typedef int (*sleep_t)(PyObject*, PyObject*, PyObject*);
    static sleep_t nw_sleep;
    static PyObject* nw_add_done_callback(PyObject* self, PyObject* const* args, size_t count, PyObject* names) {
        static PyObject* seen = NULL;  /* the tuple that asyncio passes at every call, once it was checked */
        if (names == NULL || names != seen) {
            if (PyVectorcall_NARGS(count) != 1 || names == NULL || PyTuple_GET_SIZE(names) != 1
                    || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "context") != 0) {
                PyErr_SetString(PyExc_TypeError, "add_done_callback takes a callback and context=");
                return NULL;
            }
            if (seen == NULL) { Py_INCREF(names); seen = names; }
        }
        if (nw_sleep(self, args[0], args[1]) < 0) return NULL;
        Py_RETURN_NONE;
    }
    static void nw_make_future(PyObject* type, sleep_t sleep, Py_ssize_t offset) {
        PyTypeObject* self = (PyTypeObject*)type;
        nw_sleep = sleep;
        self->tp_call = PyVectorcall_Call;
        self->tp_vectorcall_offset = offset;
        self->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        PyType_Modified(self);
    }
    /* Call ``callback(done)`` inside ``context``. */
    static int nw_run(PyObject* callback, PyObject* context, PyObject* done) {
        PyObject* result;
        if (PyContext_Enter(context) < 0) return -1;
        result = PyObject_CallOneArg(callback, done);
        if (PyContext_Exit(context) < 0) { Py_XDECREF(result); return -1; }
        if (result == NULL) return -1;
        Py_DECREF(result);
        return 0;
    }
    static double nw_monotonic(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec + now.tv_nsec * 1e-9;
    }
    """
    ctypedef object (*try_t)(object, int*)
    ctypedef int (*of_object_t)(object) except -1
    ctypedef int (*sleep_t)(object, object, object) except -1
    object nw_step(object, int*)
    void nw_make_coroutine(object, try_t, of_object_t)
    void nw_make_awaited(object, of_object_t, of_object_t)
    void nw_make_future(object, sleep_t, Py_ssize_t)
    int nw_run(object, object, object) except -1
    vectorcallfunc nw_add_done_callback
    double nw_monotonic() nogil

cdef enum:
    EVENTS = 512  # of one epoll_wait
    SCRATCH = 65536  # bytes of the receive buffer that all streams share
    FOREIGN = 0x7fffffff  # generation of descriptors that belong to the loop, in selector form

cdef double SCAN_PRICE = 25e-6  # seconds between two scans for deadlines, for each descriptor scanned
cdef double SCAN_MOST = 0.25  # and never more than this
cdef double SLICE = 0.00025  # seconds of a turn after which the other tasks have theirs, as in portable_stream.py
BUDGET = 16  # reads and sends of a stream that succeed at once before the clock is read

PENDING = object()
cdef object BLOCKING = "_asyncio_future_blocking"
cdef object GET_LOOP = "get_loop"
cdef object ADD_DONE_CALLBACK = "add_done_callback"
cdef unsigned long ERA = 0  # counts forks: what was opened in another era belongs to the parent process
cdef bint CHILDREN = False  # this process has forked: a child may hold its descriptors


def _forked():
    global ERA
    ERA += 1


def _has_forked():
    global CHILDREN
    CHILDREN = True


cdef bint has_children() noexcept:
    return CHILDREN


os.register_at_fork(after_in_child=_forked, after_in_parent=_has_forked)


cdef object step(object self, int* over):
    """One ``send(None)``: the result (over=1), the waiter (over=0), or an exception, after which ``end`` must follow."""
    cdef Operation operation
    cdef Watched target
    cdef double now
    if type(self) is Ready:
        over[0] = 1
        return (<Ready>self).value
    operation = <Operation>self
    target = operation.target
    if operation.state == FRESH:
        if PyThread_get_thread_ident() != target.poller.thread:
            raise foreign(target)
        if operation.refused:
            raise operation.detail
        if not operation.writes and target.reading is not None:
            raise UsageError(f"another task is already reading from {target!r}", advice="let one task read")
        target.budget -= 1
    elif operation.state == OVER:
        raise RuntimeError("this operation was awaited before")
    result = target.attempt(operation)
    if result is PENDING:
        now = target.poller.refresh()
        if operation.state == FRESH:
            begin(operation, now)
        target.bound(operation, now)
        if operation.expiry > now:
            if operation.expiry < INFINITY and target.fd >= 0:
                target.poller.expect(target)
            operation.waiter._asyncio_future_blocking = True
            return operation.waiter
        result = target.on_deadline(operation, now)
    if operation.state == FRESH:
        operation.state = OVER
    else:
        end(operation)
    over[0] = 1
    return result


cdef int begin(Operation operation, double now) except -1:
    """The task goes to sleep; meanwhile the poller keeps the target alive."""
    cdef Watched target = operation.target
    if operation.waiter is None:
        operation.waiter = Waiter.__new__(Waiter)
        operation.waiter.poller, operation.waiter.call = target.poller, nw_add_done_callback
    operation.state = WAITING
    target.waits += 1
    operation.since = now
    if now + operation.timeout < operation.deadline:
        operation.deadline = now + operation.timeout
    if operation.writes:
        target.queue(operation)
    else:
        target.reading = operation
    if target.fd >= 0:
        target.poller.held[target.fd] = target
    return target.on_wait(operation)


cdef int end(object self) except -1:
    cdef Operation operation = <Operation>self
    cdef Watched target
    if type(self) is Ready:
        return 0
    if operation.state == WAITING:
        target = operation.target
        if operation.writes:
            target.next_turn(operation)
        elif target.reading is operation:
            target.reading = None
        target.waits -= 1
        if target.fd >= 0 and target.waits == 0:
            target.poller.held[target.fd] = None
        target.on_resume(operation)
    operation.state = OVER
    return 0


@cython.final
cdef class Ready:
    """An awaitable that has its value: what an operation without need to wait returns."""

    def __init__(self, value):
        self.value = value

    def __await__(self):
        return self

    def send(self, value):
        raise StopIteration(self.value)

    def throw(self, kind, value=None, traceback=None):
        raise thrown(kind, value)

    def close(self):
        pass


cdef int sleep(object self, object callback, object context) except -1:
    """``Waiter.add_done_callback``."""
    (<Waiter>self).callback = callback
    (<Waiter>self).context = context
    return 0


cdef object foreign(Watched target):
    return UsageError(f"{target!r} belongs to another event loop or thread", advice=ELSEWHERE)


cdef object thrown(kind, value):
    if isinstance(kind, BaseException):
        return kind
    return value if isinstance(value, BaseException) else kind() if value is None else kind(value)


@cython.final
@cython.freelist(64)
cdef class Waiter:
    """To the task a future that is pending (``asyncio.isfuture`` says so); one task at a time waits on it."""

    def __getattribute__(self, name):
        """Look up the attributes that a Task reads at every wait by the identity of their names; others as usual."""
        if name is BLOCKING:
            return self._asyncio_future_blocking
        if name is GET_LOOP:
            return self.poller.get_loop
        if name is ADD_DONE_CALLBACK:
            return self
        return PyObject_GenericGetAttr(self, name)

    def __setattr__(self, name, value):
        if name is BLOCKING:
            self._asyncio_future_blocking = value
        else:
            PyObject_GenericSetAttr(self, name, value)

    def result(self):
        error = self.error
        if error is not None:
            self.error = None
            raise error

    def cancel(self, msg=None):
        if self.callback is None:
            return False
        self.error = CancelledError() if msg is None else CancelledError(msg)
        self.wake_soon()
        return True

    cdef int wake(self, object done) except -1:
        """Step the task now; only where no task runs.  ``done`` is any finished Future: a Task asks it for no more."""
        callback, context = self.callback, self.context
        if callback is None:
            return 0
        self.callback = self.context = None
        return nw_run(callback, context, done)

    cdef int wake_soon(self) except -1:
        """Step the task in the loop's next turn; a closed loop has none."""
        callback, context = self.callback, self.context
        if callback is not None and not self.poller.loop.is_closed():
            self.callback = self.context = None
            self.poller.loop.call_soon(callback, self, context=context)
        return 0


@cython.final
@cython.freelist(64)
cdef class Operation:
    """A coroutine of one step: ``target.attempt`` until it has a result."""

    def __await__(self):
        return self

    def send(self, value):
        cdef int over = 0
        result = nw_step(self, &over)
        if over:
            raise StopIteration(result)
        return result

    def throw(self, kind, value=None, traceback=None):
        error = thrown(kind, value)
        end(self)
        if isinstance(error, RuntimeError) and _get_running_loop() is not self.target.poller.loop:
            raise foreign(self.target) from error  # a task of another loop cannot wait for it
        raise error

    def close(self):
        end(self)

    cdef int wake(self) except -1:
        if self.target.poller.debug:
            return self.waiter.wake_soon()  # the loop's message about a slow callback then names the task
        return self.waiter.wake(self.target.poller.done)


cdef int is_unawaited(object self) except -1:
    return (<Operation>self).state == FRESH and (<Operation>self).target is not None


cdef int warn_unawaited(object self) except -1:
    """As the interpreter does for a coroutine."""
    cdef Operation operation = <Operation>self
    verb = operation.target.verb_of(operation.kind)
    warnings.warn(f"coroutine 'Stream.{verb}' was never awaited", RuntimeWarning, stacklevel=1)
    return 0


@cython.no_gc_clear
cdef class Watched:
    """A descriptor in a poller; subclasses say what to try, and what an event means."""

    def __cinit__(self):
        self.fd = -1

    cdef object attempt(self, Operation operation):
        raise NotImplementedError

    cdef int on_event(self, uint32_t events) except -1:
        return 0

    cdef int bound(self, Operation operation, double now) except -1:
        """Set ``operation.expiry``: which of its deadlines strikes first may change while it waits."""
        operation.expiry = operation.deadline
        return 0

    cdef object on_deadline(self, Operation operation, double now):
        raise DeadlineError(operation.stage, now - operation.since)

    cdef int on_wait(self, Operation operation) except -1:
        """A task goes to sleep on ``operation``."""
        return 0

    cdef int on_resume(self, Operation operation) except -1:
        """A task that slept has its result, its error, or was cancelled."""
        return 0

    cdef str verb_of(self, int kind):
        """The name of the verb that made an operation."""
        return "wait"

    cdef int queue(self, Operation operation) except -1:
        """A write has to wait: for its turn, or for room."""
        self.writing = operation
        return 0

    cdef int next_turn(self, Operation over) except -1:
        """A write that waited is over."""
        if self.writing is over:
            self.writing = None
        return 0

    cdef bint is_spent(self) except -1:
        """True if the turn has lasted ``SLICE`` seconds: this descriptor goes on in the loop's next one."""
        if self.budget > 0:
            return False
        if self.poller.refresh() - self.poller.turn_at < SLICE:
            self.budget = BUDGET
            return False
        self.poller.turn(self)
        return True

    cdef int on_turn(self) except -1:
        """The other tasks had their turn: the budget is full again."""
        cdef Operation operation
        self.budget, self.yielded = BUDGET, False
        operation = self.reading
        if operation is not None:
            operation.wake()
        operation = self.writing
        if operation is not None:
            operation.wake()
        return 0

    cdef double on_time(self, double now) except? -1.0:
        """Wake what is past its deadline: it looks again; the next deadline of this descriptor."""
        cdef Operation operation
        for operation in (self.reading, self.writing):
            if operation is not None and operation.expiry <= now:
                operation.wake()
        return self.soonest()

    cdef double soonest(self) noexcept:
        cdef double soonest = INFINITY
        if self.reading is not None:
            soonest = self.reading.expiry
        if self.writing is not None and self.writing.expiry < soonest:
            soonest = self.writing.expiry
        return soonest


cdef class Poller:
    """An epoll set, nested in ``loop`` by ``add_reader`` or used by a ``Selector``; it serves one loop and thread.

    Args:
        loop: whose tasks it wakes.
        clock: gives seconds; None is CLOCK_MONOTONIC, the clock of asyncio and uvloop.

    The set exists while it watches something, so that nothing is left of it when the last stream closed.
    """

    def __cinit__(self):
        self.fileno = -1
        self.scratch = <char*>malloc(SCRATCH)
        self.events = <epoll_event*>malloc(EVENTS * sizeof(epoll_event))
        if self.scratch == NULL or self.events == NULL:
            raise MemoryError
        self.armed = INFINITY
        self.held, self.turns = [], []
        self.era = ERA

    def __init__(self, loop, clock=None):
        self.loop, self.clock = loop, clock
        self.thread = PyThread_get_thread_ident()
        self.refresh()

    def __dealloc__(self):
        if self.fileno >= 0:
            c_close(self.fileno)
        free(self.scratch)
        free(self.events)
        free(self.slots)

    cdef double refresh(self) except? -1.0:
        self.now = nw_monotonic() if self.clock is None else self.clock()
        return self.now

    def time(self):
        return self.refresh()

    cdef bint is_ours(self):
        return self.era == ERA  # not in a child process, which shares every descriptor with its parent

    cdef int check_process(self) except -1:
        """UsageError in a child process, about what was opened before the fork."""
        if self.era != ERA:
            raise UsageError("this connection belongs to the parent process", advice="open sockets after the fork")
        return 0

    cdef int add(self, Watched target, int fd, uint32_t events) except -1:
        """Look after ``target``: its deadlines, and these events of ``fd``."""
        cdef epoll_event event
        if self.fileno < 0:
            self.open()
        if self.done is None:
            self.done = Future(loop=self.loop)
            self.done.set_result(None)
            self.get_loop = self.done.get_loop
        if fd >= self.size:
            self.grow(fd + 1)
        self.thread, self.debug = PyThread_get_thread_ident(), self.loop.get_debug()
        self.generation = (self.generation + 1) % FOREIGN
        event.events = events
        event.data.u64 = (<uint64_t>self.generation << 32) | <uint32_t>fd
        if events and epoll_ctl(self.fileno, EPOLL_CTL_ADD, fd, &event) < 0:
            raise OSError(errno, f"epoll_ctl: {os.strerror(errno)}")
        self.slots[fd].target = <void*>target
        self.slots[fd].generation = self.generation
        self.slots[fd].expiry = INFINITY
        self.watched += 1
        target.poller, target.fd, target.budget = self, fd, BUDGET
        return 0

    cdef int open(self) except -1:
        self.fileno = epoll_create1(EPOLL_CLOEXEC)
        if self.fileno < 0:
            raise OSError(errno, f"epoll_create1: {os.strerror(errno)}")
        if not self.outer:
            self.loop.add_reader(self.fileno, self.poll)
        return 0

    cdef int rest(self) except -1:
        """Nothing is watched: leave the loop."""
        self.count = self.next = 0
        if not self.loop.is_closed():
            self.loop.remove_reader(self.fileno)
        c_close(self.fileno)
        self.fileno = -1
        if self.timer is not None:
            self.timer.cancel()
            self.timer, self.armed = None, INFINITY
        return 0

    cdef int grow(self, int wanted) except -1:
        cdef int size = max(wanted, 2 * self.size, 64)
        cdef Slot* slots = <Slot*>realloc(self.slots, size * sizeof(Slot))
        if slots == NULL:
            raise MemoryError
        memset(slots + self.size, 0, (size - self.size) * sizeof(Slot))
        self.held.extend([None] * (size - self.size))
        self.slots, self.size = slots, size
        return 0

    cdef int remove(self, Watched target) except -1:
        """Forget ``target``; whoever owns the descriptor closes it, which takes it out of the set."""
        if target.fd >= 0 and self.slots[target.fd].target == <void*>target:
            self.slots[target.fd].target = NULL
            self.held[target.fd] = None
            self.watched -= 1
            if self.watched == 0 and not self.outer and self.is_ours():
                self.rest()
        return 0

    cdef int forget(self, Watched target) except -1:
        """``remove`` for a descriptor that stays open."""
        if target.fd >= 0:
            epoll_ctl(self.fileno, EPOLL_CTL_DEL, target.fd, NULL)
            self.remove(target)
            target.fd = -1
        return 0

    cdef int expect(self, Watched target) except -1:
        """A deadline of ``target`` is new; a timer is set only if none fires before."""
        cdef double expiry = target.soonest()
        self.slots[target.fd].expiry = expiry
        if expiry < self.armed:
            self.arm(expiry)
        return 0

    cdef int arm(self, double at) except -1:
        if self.timer is not None:
            self.timer.cancel()
        self.armed = at
        self.timer = self.loop.call_later(max(at - self.now, 0.0), self.tick)
        return 0

    def tick(self):
        """Scan for deadlines that are over, and set the timer for the next."""
        cdef int fd = 0
        cdef double soonest = INFINITY, expiry, now = self.refresh()
        cdef Watched target
        self.timer, self.armed = None, INFINITY
        try:
            while fd < self.size:
                if self.slots[fd].target != NULL and self.slots[fd].expiry <= now:
                    target = <Watched>self.slots[fd].target
                    expiry = target.on_time(now)
                    if self.slots[fd].target == <void*>target:
                        self.slots[fd].expiry = expiry
                if self.slots[fd].target != NULL and self.slots[fd].expiry < soonest:
                    soonest = self.slots[fd].expiry
                fd += 1
        finally:
            self.refresh()
            if fd < self.size:
                soonest = self.now
            if soonest < self.armed:
                self.arm(max(soonest, self.now + min(SCAN_MOST, SCAN_PRICE * self.watched)))

    cdef int turn(self, Watched target) except -1:
        """``target`` used its budget: go on with it in the loop's next turn."""
        if target.yielded:
            return 0
        if not self.turns:
            self.loop.call_soon(self.run_turns)
        target.yielded = True
        self.turns.append(target)
        return 0

    def run_turns(self):
        """Go on with targets that used their budget, each in its turn, until ``SLICE`` is over."""
        cdef Watched target
        turns, self.turns = self.turns, []
        self.turn_at = self.refresh()
        try:
            while turns:
                target = turns.pop(0)
                target.on_turn()
                if self.refresh() - self.turn_at >= SLICE:
                    break
        finally:
            if turns:
                if not self.turns:
                    self.loop.call_soon(self.run_turns)
                self.turns = turns + self.turns

    def poll(self):
        """Serve what is ready; an exception of a task (KeyboardInterrupt) loses no event."""
        if self.next >= self.count:
            self.wait(0)
        self.turn_at = self.refresh()
        try:
            while self.next < self.count:
                self.next += 1
                self.serve(self.events[self.next - 1].data.u64, self.events[self.next - 1].events)
        except BaseException:
            if self.next < self.count:
                self.loop.call_soon(self.poll)
            raise

    cdef int wait(self, int milliseconds) except -1:
        self.next = 0
        with nogil:
            self.count = epoll_wait(self.fileno, self.events, EVENTS, milliseconds)
        if self.count < 0:
            self.count = 0
            if errno != EINTR:
                raise OSError(errno, f"epoll_wait: {os.strerror(errno)}")
        return 0

    cdef int serve(self, uint64_t tag, uint32_t events) except -1:
        cdef uint32_t fd = <uint32_t>tag
        cdef Watched target
        if fd < <uint32_t>self.size and self.slots[fd].target != NULL and self.slots[fd].generation == tag >> 32:
            target = <Watched>self.slots[fd].target
            target.on_event(events)
        return 0


cdef class LoopSet:
    """``select.epoll`` for ``selectors.EpollSelector``, with a poller on the same set, which it serves in ``poll``."""

    cdef readonly Poller poller

    def __init__(self):
        self.poller = Poller(None)
        self.poller.outer = True
        self.poller.open()

    def register(self, int fd, uint32_t events):
        self.control(EPOLL_CTL_ADD, fd, events)

    def modify(self, int fd, uint32_t events):
        self.control(EPOLL_CTL_MOD, fd, events)

    def unregister(self, int fd):
        self.control(EPOLL_CTL_DEL, fd, 0)

    cdef int control(self, int what, int fd, uint32_t events) except -1:
        cdef epoll_event event
        event.events, event.data.u64 = events, (<uint64_t>FOREIGN << 32) | <uint32_t>fd
        if epoll_ctl(self.poller.fileno, what, fd, &event) < 0:
            raise OSError(errno, f"epoll_ctl: {os.strerror(errno)}")
        return 0

    def fileno(self):
        return self.poller.fileno

    def close(self):
        if self.poller.fileno >= 0:
            c_close(self.poller.fileno)
            self.poller.fileno = -1

    def poll(self, double timeout, int maxevents):
        """The loop's own events; those of streams are served here."""
        cdef Poller poller = self.poller
        cdef int wait = <int>min(timeout * 1e3 + 0.5, 86400e3) if timeout > 0 else <int>timeout
        cdef uint32_t events
        cdef uint64_t tag
        cdef list foreign = []
        poller.thread = PyThread_get_thread_ident()
        if poller.next >= poller.count:
            poller.wait(wait)
        poller.turn_at = poller.refresh()
        while poller.next < poller.count:
            tag, events = poller.events[poller.next].data.u64, poller.events[poller.next].events
            poller.next += 1
            if tag >> 32 == FOREIGN:
                foreign.append((<uint32_t>tag, events))
            else:
                poller.serve(tag, events)
        return foreign


cdef Waiter SAMPLE = Waiter.__new__(Waiter)

nw_make_coroutine(Ready, <try_t>step, <of_object_t>end)
nw_make_coroutine(Operation, <try_t>step, <of_object_t>end)
nw_make_awaited(Operation, <of_object_t>is_unawaited, <of_object_t>warn_unawaited)
nw_make_future(Waiter, <sleep_t>sleep, <char*>&SAMPLE.call - <char*><void*>SAMPLE)
