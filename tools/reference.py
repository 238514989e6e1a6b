"""``make docs``: the pages of ``docs`` and a reference of the public names, as the input of Zensical.

The reference is what the docstrings and signatures of ``netwright.__all__`` say; nothing is written twice.
"""

import dataclasses
import inspect
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import netwright

DOCS, INPUT = Path("docs"), Path("build/docs")


def reference() -> str:
    """Return the page: one section a public name, in alphabetical order."""
    head = "# Reference\n\nThe public names of `netwright`, as `from netwright import name` gives them.\n"
    return "\n".join([head, *(line for name in sorted(netwright.__all__) for line in section(name))])


def section(name: str) -> Iterator[str]:
    """Yield the lines of a class with its public members, or of a function."""
    thing = getattr(netwright, name)
    yield from (f"## {name}", "", *signature(name, thing), documentation(thing), "")
    if not inspect.isclass(thing):
        return
    fields = {field.name for field in dataclasses.fields(thing)} if dataclasses.is_dataclass(thing) else set()
    for member in sorted(vars(thing)):
        value = inspect.getattr_static(thing, member)
        value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if member.startswith("_") or member in fields or not documentation(value):
            continue
        if inspect.isroutine(value):
            yield from (f"### {name}.{member}", "", *signature(member, value), documentation(value), "")
        elif isinstance(value, property):
            yield from (f"### {name}.{member}", "", documentation(value), "")


def signature(name: str, thing: object) -> list[str]:
    """Return a code block, or nothing for what cannot be called or does not say how."""
    if not callable(thing):
        return []
    try:
        text = str(inspect.signature(thing))
    except ValueError:  # a compiled one: make docs takes the sources
        return []
    text = re.sub(r"<function (\w+) at \w+>", r"\1", text)  # a default that is a function
    text = re.sub(
        r" = (Limits|HttpLimits|Tuning)\((?:[^()]|\([^()]*\))*\)", r" = \1()", text
    )  # its own entry has the values
    text = re.sub(r"\b(?:netwright|collections|typing)\.[a-z0-9_.]*", "", text).replace("~", "")
    word = "async def " if inspect.iscoroutinefunction(thing) else ""
    return ["```python", f"{word}{name}{text}", "```", ""]


def documentation(thing: object) -> str:
    """Return the docstring; the sections of a docstring become lists, RST's double backticks single ones."""
    text = (inspect.getdoc(thing) or "").replace("``", "`")
    for title in ("Args", "Attributes", "Returns", "Raises", "Yields"):
        text = text.replace(f"\n{title}:\n", f"\n**{title}**\n\n")
    text = re.sub(r"\n {8,}", " ", text)  # an entry's second line continues it
    return re.sub(r"^ {4}(?=[^ ].*:)", "- ", text, flags=re.MULTILINE)


def main() -> int:
    """Write the input of the site."""
    shutil.rmtree(INPUT, ignore_errors=True)
    shutil.copytree(DOCS, INPUT)
    for page, name in (("README.md", "index.md"), ("CONTRIBUTING.md", "CONTRIBUTING.md")):
        Path(INPUT, name).write_text(Path(page).read_text().replace("](docs/", "]("))
    Path(INPUT, "reference.md").write_text(reference())
    return 0


if __name__ == "__main__":
    sys.exit(main())
