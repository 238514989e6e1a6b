"""Run commands as steps: one line each with the seconds it took, a bar meanwhile on a terminal.

A step's output is kept from the terminal; it is shown whole if the step fails.  Standard library only.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH, TICK = 20, 0.1
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Step:
    """A command and what it does; ``progress`` returns the part that is done, from 0 to 1, where that is known."""

    text: str
    command: Sequence[str]
    progress: Callable[[], float] | None = None
    environment: dict[str, str] | None = field(default=None, repr=False)


def run_all(steps: Sequence[Step], *, at_once: int = 1, last_line: bool = False) -> int:
    """Run the steps, ``at_once`` at a time; return the first exit code that is not 0, after what runs has ended.

    Args:
        last_line: print the last line of each step's output beside its name.
    """
    waiting, code = list(steps), 0
    running: list[_Running] = []
    try:
        while running or (waiting and not code):
            while waiting and len(running) < at_once and not code:
                running.append(_Running(waiting.pop(0)))
            time.sleep(0.01)
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                ended = one.finish(last_line)
                code = code or ended
            if running:
                running[0].draw()
    finally:
        for one in running:
            one.process.kill()
            one.process.wait()
            one.output.close()
    return code


class _Running:
    def __init__(self, step: Step) -> None:
        self.step, self.began, self.drawn = step, time.monotonic(), 0.0
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  # closed by finish
        self.process = subprocess.Popen(
            step.command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT, env=step.environment
        )

    def draw(self) -> None:
        """Redraw the bar, ten times a second, on a terminal."""
        now = time.monotonic()
        if not sys.stdout.isatty() or now - self.drawn < TICK:
            return
        self.drawn = now
        if self.step.progress is None:
            at = int((now - self.began) / TICK) % WIDTH
            bar = "-" * at + "#" + "-" * (WIDTH - at - 1)
        else:
            full = round(WIDTH * self.step.progress())
            bar = "#" * full + "-" * (WIDTH - full)
        sys.stdout.write(f"\r\x1b[K{now - self.began:6.1f} s  [{bar}] {self.step.text}")
        sys.stdout.flush()

    def finish(self, last_line: bool) -> int:
        """Print the line, and the output if the step failed; return the exit code."""
        self.output.seek(0)
        output = _COLOUR.sub("", self.output.read().decode(errors="replace")).rstrip()
        self.output.close()
        code = self.process.returncode
        said = f": {output.splitlines()[-1].strip()}" if output and last_line and not code else ""
        clear = "\r\x1b[K" if sys.stdout.isatty() else ""
        failed = f" failed with exit code {code}" if code else ""
        sys.stdout.write(f"{clear}{time.monotonic() - self.began:6.1f} s  {self.step.text}{failed}{said}\n")
        if code and output:
            sys.stdout.write(f"{output}\n")
        sys.stdout.flush()
        return code
