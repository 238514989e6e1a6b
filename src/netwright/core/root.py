"""The root of a task whose failure must not cancel its group.

``Exception`` is caught here, and at the two other roots of a program's own code: the listener's and HTTP's connection.
"""

from collections.abc import Awaitable, Callable

__all__ = ["guarded"]


async def guarded(work: Awaitable[None], report: Callable[[Exception], None]) -> None:
    """Await ``work``; pass its exception to ``report``, which must not raise.  Cancelling passes through.

    ``sys.exit`` in one task would end all tasks of the program: it is reported as that task's failure instead.
    """
    try:
        await work
    except Exception as error:
        report(error)
    except SystemExit as error:
        report(RuntimeError(f"the handler called sys.exit({error.code!r})").with_traceback(error.__traceback__))
