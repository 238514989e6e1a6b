"""The settings of a run: the options of ``netwright serve``, the arguments of ``Service.run``."""

from dataclasses import dataclass, field
from pathlib import Path

from netwright.core.address import Address, InetAddress, parse_address
from netwright.core.errors import UsageError

__all__ = ["DEFAULT_BIND", "DEFAULT_CONSOLE", "RunSettings", "Spelling", "console_address"]

DEFAULT_BIND, DEFAULT_CONSOLE = InetAddress("127.0.0.1", 8000), InetAddress("127.0.0.1", 8001)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How to write a setting in advice: as a command-line option, or as an argument of ``Service.run``."""

    command: str = ""  # "netwright serve app.py", or "" for a call of ``run``

    def bind(self, address: Address) -> str:
        """Serve on ``address``."""
        if not self.command:
            return f'run(bind="{address}")'
        return f"{self.command} --bind {address}"

    def console(self, host: str) -> str:
        """Put the console on a free port, or start none."""
        free = InetAddress(host, 0)
        if not self.command:
            return f'run(console="{free}") takes a free port, run(console=None) starts none'
        return f"{self.command} --console {free} takes a free port, --no-console starts none"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of one run.

    Attributes:
        path: the program's own file; errors name its lines.
        console: the page's address, or None for no console.
        console_required: the user named the address; if it is taken, the program does not start.
        console_hosts: a reverse proxy's host names, which the console's page answers to as well.
        drain: seconds that busy connections get to finish.
        records: a file that gets a JSON line for each connection that closed; "" for none.
        log_level: of netwright's own log records.
        as_json: write lines as JSON objects.
    """

    path: Path
    console: InetAddress | None = None
    console_required: bool = False
    console_hosts: tuple[str, ...] = ()
    drain: float = 10.0
    records: str = ""
    log_level: str = "info"
    as_json: bool = False
    binds: tuple[Address, ...] = ()
    spelling: Spelling = field(default_factory=Spelling)


def console_address(text: str | None) -> InetAddress | None:
    """The address in ``text``; None for None, "" and "off".

    Raises:
        UsageError: it is not host:port.
    """
    if text is None or text in ("", "off"):
        return None
    address = parse_address(text)
    if not isinstance(address, InetAddress):
        raise UsageError(f"console={text!r}: host:port required", advice="a browser opens the page over TCP")
    return address
