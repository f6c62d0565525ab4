"""What a Python function given to `exec_d` may use besides the standard library."""

from __future__ import annotations

__all__ = ["launch_bindings"]


def launch_bindings(kind: str = "") -> list[dict[str, str]]:
    """Service bindings of a starting container, for functions given to `OpenLayer.exec_d`.

    Its source goes into the program of each function that names it. Read from SERVICE_BINDING_ROOT
    (servicebinding.io), in the order of their names.

    Args:
        kind: only those of this type, in upper or lower case; all if empty.

    Returns:
        a table for each: its entries, and `name`. An entry that is not text is left out.
    """
    import os

    root = os.environ.get("SERVICE_BINDING_ROOT", "")
    found = []
    for name in sorted(os.listdir(root)) if root and os.path.isdir(root) else []:
        folder = os.path.join(root, name)
        if name.startswith(".") or not os.path.isdir(folder):
            continue
        entries = {"name": name}
        for entry in sorted(os.listdir(folder)):
            path = os.path.join(folder, entry)
            if entry.startswith(".") or entry == "name" or not os.path.isfile(path):
                continue
            try:
                with open(path, encoding="utf-8") as file:
                    entries[entry] = file.read()
            except (OSError, UnicodeDecodeError):
                continue
        of_kind = entries.get("type", "").strip().lower()
        if of_kind and kind.lower() in ("", of_kind):
            found.append(entries)
    return found
