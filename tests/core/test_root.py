import asyncio
import sys

import pytest

from netwright.core.root import guarded


async def test_failure_is_reported_and_goes_no_further() -> None:
    async def work() -> None:
        raise ValueError("a handler's bug")

    seen: list[Exception] = []
    await guarded(work(), seen.append)
    assert [str(error) for error in seen] == ["a handler's bug"]


async def test_exit_of_one_is_a_failure_and_not_the_end_of_all() -> None:
    async def work() -> None:
        sys.exit(3)

    seen: list[Exception] = []
    await guarded(work(), seen.append)
    assert [repr(error) for error in seen] == ["RuntimeError('the handler called sys.exit(3)')"]


async def test_cancelling_passes_through() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await guarded(work(), lambda error: pytest.fail(str(error)))
