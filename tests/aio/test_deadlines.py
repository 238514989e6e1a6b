import asyncio
import random

from netwright.aio.deadlines import TICK, Expiry, Ticker


async def test_deadline_nearer_than_a_tick_is_exact() -> None:
    loop, struck = asyncio.get_running_loop(), asyncio.Event()
    begun = loop.time()
    Ticker(loop).arm(Expiry(lambda _: struck.set()), begun + 0.1, begun)
    await struck.wait()
    assert 0.099 <= loop.time() - begun < 0.1 + TICK / 2


async def test_many_deadlines_strike_once_each_in_time_and_at_most_a_tick_late() -> None:
    loop = asyncio.get_running_loop()
    ticker, begun = Ticker(loop), loop.time()
    wanted = [begun + random.Random(3).uniform(0.0, 5.0) for _ in range(200)]
    late: list[float] = []
    for at in wanted:
        ticker.arm(Expiry(lambda now, at=at: late.append(now - at)), at, begun)  # type: ignore[misc]
    await asyncio.sleep(6)
    assert len(late) == 200
    assert min(late) >= -0.001
    assert max(late) < TICK + 0.05


async def test_many_deadlines_share_one_timer() -> None:
    loop = asyncio.get_running_loop()
    ticker, now, calls = Ticker(loop), loop.time(), 0
    call_at = loop.call_at

    def counted(*arguments: object, **options: object) -> asyncio.TimerHandle:
        nonlocal calls
        calls += 1
        return call_at(*arguments, **options)  # type: ignore[arg-type]

    loop.call_at = counted  # type: ignore[method-assign]
    expiries = [Expiry(lambda _: None) for _ in range(1000)]
    for expiry in expiries * 2:
        ticker.arm(expiry, now + 30, now)
        ticker.disarm(expiry)
    assert (calls, len(ticker)) == (1, 1000)
    for expiry in expiries:
        ticker.forget(expiry)
    assert len(ticker) == 0


async def test_deadlines_that_come_one_after_the_other_are_looked_at_in_ticks() -> None:
    loop = asyncio.get_running_loop()
    ticker, now = Ticker(loop), loop.time()
    looks: set[float] = set()
    for number in range(100):
        ticker.arm(Expiry(looks.add), now + 1 + number / 100, now)
    await asyncio.sleep(3)
    assert len(looks) < 12  # one a tick, not one a deadline


async def test_discarded_deadline_does_not_strike() -> None:
    loop = asyncio.get_running_loop()
    ticker, now = Ticker(loop), loop.time()
    struck: list[float] = []
    for seconds in (0.1, 1.0):
        expiry = Expiry(struck.append)
        ticker.arm(expiry, now + seconds, now)
        ticker.disarm(expiry)
    await asyncio.sleep(2)
    assert struck == []
    assert "1 expiries" in repr(ticker)


async def test_clock_that_jumped_strikes_each_deadline_once() -> None:
    """A machine that slept: everything is due at the same time (suspend_resume)."""
    loop = asyncio.get_running_loop()
    ticker, now = Ticker(loop), loop.time()
    struck: list[float] = []
    for seconds in (1.0, 2.0, 3.0):
        ticker.arm(Expiry(struck.append), now + seconds, now)
    loop.jumping.jumped += 3600.0  # type: ignore[attr-defined]
    await asyncio.sleep(0.5)
    assert len(struck) == 3
