"""The root of a task that must not end its group with its own failure.  The only place that catches Exception."""

from collections.abc import Awaitable, Callable

__all__ = ["guarded"]


async def guarded(work: Awaitable[None], report: Callable[[Exception], None]) -> None:
    """Await ``work``; hand its exception to ``report``, which must not raise.  Cancelling passes through.

    ``sys.exit`` inside of one task's work is a mistake of that work: it does not end everybody else's.
    """
    try:
        await work
    except Exception as error:
        report(error)
    except SystemExit as error:
        report(RuntimeError(f"the handler called sys.exit({error.code!r})").with_traceback(error.__traceback__))
