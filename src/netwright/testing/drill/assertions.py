"""Check the assertions in a script's code, which use the members of struct tcp_info; no other code is run."""

import ast

from netwright.proto.tcp.congestion.window import INFINITE
from netwright.proto.tcp.endpoint import Endpoint
from netwright.sim import info
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError

__all__ = ["check", "tcp_info"]

_CONSTANTS = {
    "TCP_CA_Open": 0,
    "TCP_CA_Disorder": 1,
    "TCP_CA_CWR": 2,
    "TCP_CA_Recovery": 3,
    "TCP_CA_Loss": 4,
    "TCPI_OPT_TIMESTAMPS": 1,
    "TCPI_OPT_SACK": 2,
    "TCPI_OPT_WSCALE": 4,
    "TCPI_OPT_ECN": 8,
    "TCPI_OPT_ECN_SEEN": 16,
    "TCPI_OPT_SYN_DATA": 32,
    **{f"TCPI_{state.name}": number for state, number in info.STATES.items()},
    "TCP_INFINITE_SSTHRESH": INFINITE,
    "True": 1,
    "False": 0,
}
_ALLOWED = (
    ast.Module,
    ast.Assert,
    ast.Compare,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Name,
    ast.Constant,
    ast.Load,
    ast.Tuple,
    ast.cmpop,
    ast.boolop,
    ast.operator,
    ast.unaryop,
)


def tcp_info(endpoint: Endpoint, now: float) -> dict[str, int]:
    """Return struct tcp_info of the endpoint, with the kernel's names of its members."""
    return {f"tcpi_{name}": value for name, value in info.tcp_info(endpoint, now).items()}


def check(code: str, endpoint: Endpoint, constants: dict[str, int], now: float) -> None:
    """Evaluate the assertions; ``constants`` stores names to which the script's code assigns numbers.

    Raises:
        DrillError: one does not hold.
        UnsupportedError: the code has other statements, or uses a member that ``sim.info`` does not fill.
    """
    names = tcp_info(endpoint, now) | _CONSTANTS | constants
    for statement in _statements(code):
        if isinstance(statement, ast.Assign):
            names |= _assigned(statement, constants)
            continue
        for node in ast.walk(statement):
            if not isinstance(node, _ALLOWED):
                raise UnsupportedError(f"{type(node).__name__} in {ast.unparse(statement)[:80]!r}")
            if isinstance(node, ast.Name) and node.id not in names:
                raise UnsupportedError(f"{node.id} of tcp_info is not modelled")
        value = eval(compile(ast.Expression(statement.test), "<script>", "eval"), {"__builtins__": {}}, dict(names))
        if not value:
            raise DrillError(f"{ast.unparse(statement.test)} does not hold: {_seen(statement.test, names)}")


def _assigned(statement: ast.Assign, constants: dict[str, int]) -> dict[str, int]:
    """``NAME = number``, and nothing else."""
    match statement:
        case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(int(value))):
            constants[name] = value
            return constants
        case _:
            raise UnsupportedError(f"assignment {ast.unparse(statement)[:60]!r}")


def _statements(code: str) -> list[ast.Assert | ast.Assign]:
    lines = code.split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    try:
        module = ast.parse("\n".join(line[indent:] for line in lines))
    except SyntaxError:
        try:
            module = ast.parse("\n".join(line.strip() for line in lines))
        except SyntaxError as error:
            raise UnsupportedError(f"code is no Python: {error}") from error
    for statement in module.body:
        if not isinstance(statement, ast.Assert | ast.Assign):
            raise UnsupportedError(f"{type(statement).__name__} in a script's code")
    return [statement for statement in module.body if isinstance(statement, ast.Assert | ast.Assign)]


def _seen(expression: ast.expr, names: dict[str, int]) -> str:
    used = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    return ", ".join(f"{name}={names[name]}" for name in sorted(used) if name.startswith("tcpi_"))
