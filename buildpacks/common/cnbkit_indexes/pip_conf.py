"""pip's configuration file, read and written.

By hand: `configparser` takes ten times as long to import as such a file to read, and a build
that changes nothing reads it too.
"""

from __future__ import annotations

__all__ = ["LISTS", "OPTIONS", "SWITCHES", "read_pip_conf", "write_pip_conf"]

LISTS = ("extra-index-url", "find-links", "trusted-host", "no-binary", "only-binary", "constraint")
"""Options with several values, white space between."""

SWITCHES = ("no-index", "pre")
"""Options that are on or off."""

OPTIONS = (*LISTS, *SWITCHES, "index-url", "cert", "client-cert", "timeout", "retries")
"""What is understood."""

_SECTIONS = ("global", "install", "download", "wheel")
_NAMES = {"default-timeout": "timeout"}


def read_pip_conf(text: str) -> tuple[dict[str, list[str]], list[str], list[tuple[int, str]]]:
    """Read `[global]` and, over it, `[install]`.

    Returns:
        The values of each option that is understood; the names of those that are not;
        and faults with their line, counted from 1.
    """
    tables: dict[str, dict[str, list[str]]] = {}
    other: list[str] = []
    faults: list[tuple[int, str]] = []
    section, option = "", ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if raw[0] in " \t" and option:
            tables[section].setdefault(option, []).append(line)
        elif line[0] == "[":
            if line[-1] != "]":
                faults.append((number, "a section has no closing bracket"))
            section, option = line.strip("[]").strip().lower(), ""
            tables.setdefault(section, {})
        elif not section:
            faults.append((number, "an option stands before the first section, like [global]"))
        else:
            # Whichever comes first, as pip has it: an address has colons of its own.
            sign = min((at for at in (line.find("="), line.find(":")) if at > 0), default=-1)
            if sign < 0:
                # What stands there may be a secret: it is not shown.
                faults.append((number, "this is not an option: there is no = in it"))
                option = ""
                continue
            option = line[:sign].strip().lower().replace("_", "-")
            option = _NAMES.get(option, option)
            if section in _SECTIONS and option not in OPTIONS:
                other.append(option)
            value = line[sign + 1 :].strip()
            tables[section][option] = [value] if value else []
    found: dict[str, list[str]] = {}
    for name in ("global", "install"):
        for option, values in tables.get(name, {}).items():
            if option in LISTS:
                found[option] = " ".join(values).split()
            elif option in OPTIONS:
                found[option] = ["".join(values).strip("\"'")]
    return {name: values for name, values in found.items() if any(values)}, other, faults


def write_pip_conf(options: dict[str, list[str]]) -> str:
    """The text of a file with these options."""
    lines = ["[global]"]
    for name, values in options.items():
        if len(values) == 1:
            lines.append(f"{name} = {values[0]}")
        elif values:
            lines += [f"{name} =", *(f"    {value}" for value in values)]
    return "\n".join(lines) + "\n"
