"""What `cnbkit build` has to import before it knows whether there is anything to build."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    *(
        "asyncio",
        "http.client",
        "logging",
        "pydantic",
        "socket",
        "subprocess",
        "tarfile",
        "tempfile",
    ),
    *("cnbkit.buildpack", "cnbkit.spec.model", "cnbkit_engine.lifecycle.phases"),
    *("cnbkit_engine.oci.remote", "cnbkit_engine.registry.server", "cnbkit_engine.sandbox.sandbox"),
}


def _imported(code: str) -> set[str]:
    told = f"import sys\n{code}\nprint(*sys.modules)"
    return {*subprocess.check_output([sys.executable, "-c", told], text=True).split()}


def test_nothing_that_only_a_build_needs_is_imported_to_find_out_that_there_is_none() -> None:
    found = _imported("import cnbkit_engine.cli.build, cnbkit_engine.build.build")
    assert "cnbkit_engine.build.no_change" in found
    assert HEAVY & found == set()


def test_a_build_imports_it() -> None:
    found = _imported("import cnbkit_engine.build.execution")
    assert {"cnbkit_engine.lifecycle.phases", "cnbkit_engine.registry.server", "socket"} <= found
