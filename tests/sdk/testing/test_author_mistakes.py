"""Mistakes of a buildpack's author, and that the first unit test tells each with its line.

Every row is a buildpack that is wrong in one way. The line with `# here` is the one to be named.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from typing import TYPE_CHECKING

import pytest

from cnbkit import Buildpack, Triggers
from cnbkit.errors import BuildpackFault
from cnbkit_engine.lint import check

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun, Result

_NUMBERS = itertools.count()

_HEAD = """\
from __future__ import annotations
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from cnbkit import *

class Contents(LayerKey):
    version: str = key("version")

WEB = Process(type="web", command=["x"])
"""

_BUILD = {
    "a directory made in a reused layer": (
        """
        with ctx.layer(Layer.launch("data"), Contents(version="1")) as data:  # here
            data.path.mkdir(exist_ok=True)
            if data.rebuild:
                (data.path / "file").write_text("x")
        return BuildResult()
        """,
        "the layer data is reused .* made its directory",
        "if data.rebuild",
    ),
    "a directory made in a reused layer after its block": (
        """
        with ctx.layer(Layer.launch("data"), Contents(version="1")) as data:  # here
            if data.rebuild:
                (data.path / "file").write_text("x")
        data.path.mkdir(exist_ok=True)
        return BuildResult()
        """,
        "the layer data is reused .* made its directory",
        "if data.rebuild",
    ),
    "a layer without with": (
        """
        ctx.layer(Layer.launch("my-data"), Contents(version="1"))  # here
        return BuildResult()
        """,
        "the layer my-data is opened without `with`",
        "as my_data",
    ),
    "the path of a layer without with": (
        """
        data = ctx.layer(Layer.launch("data"))
        (data.path / "x").write_text("x")  # here
        return BuildResult()
        """,
        "path of the layer data is used outside of its `with` block",
        "with ctx.layer",
    ),
    "environment after the block": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            pass
        data.env.launch.override("A", "b")  # here
        return BuildResult()
        """,
        "A is set in the environment of the layer data after its block",
        "into the `with` block",
    ),
    "environment of a process after the block": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            pass
        data.env.process("web").append("A", "b")  # here
        return BuildResult()
        """,
        "A is set in the environment of the layer data after its block",
        "into the `with` block",
    ),
    "another environment after the block": (
        """
        with ctx.layer(Layer.launch("data")) as data:  # here
            pass
        data.env = LayerEnv()
        return BuildResult()
        """,
        "the environment of the layer data is replaced after its block",
        "into the `with` block",
    ),
    "exec.d after the block": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            pass
        data.exec_d("10-x", "/bin/true")  # here
        return BuildResult()
        """,
        "exec_d of the layer data is called after its block",
        "into the `with` block",
    ),
    "an SBOM after the block": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            pass
        data.sbom("cdx", "{}")  # here
        return BuildResult()
        """,
        "sbom of the layer data is called after its block",
        "into the `with` block",
    ),
    "a name of exec.d that is none": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            data.exec_d("10 x", "/bin/true")  # here
        return BuildResult()
        """,
        "the name of an exec.d program may hold",
        "10-settings",
    ),
    "None in the environment": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            data.env.override("A", None)  # here
        return BuildResult()
        """,
        "A of a layer's environment is None, not text",
        "give a text",
    ),
    "a path put before others without what stands between": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            data.env.launch.prepend("PATH", data.path / "bin")  # here
        return BuildResult()
        """,
        "nothing stands between the values of PATH",
        r'prepend\("PATH", value, ":"\)',
    ),
    "options put behind others without what stands between": (
        """
        with ctx.layer(Layer.launch("data")) as data:
            data.env.append("CFLAGS", "-O2")  # here
        return BuildResult()
        """,
        "nothing stands between the values of CFLAGS",
        r'append\("CFLAGS", value, " "\)',
    ),
    "a process in a layer that only the build has": (
        """
        with ctx.layer(Layer.cached("tool")) as tool:
            (tool.path / "run").write_text("")
        return BuildResult(WEB.replace(command=["sh", "-c", f"exec {tool.path}/run"]))
        """,
        "the process web names .*/tool, and that layer is not in the image",
        r'Layer.launch\("tool"\)',
    ),
    "a variable that names a layer that only the build has": (
        """
        with ctx.layer(Layer.cached("tool")) as tool, ctx.layer(Layer.launch("data")) as data:
            data.env.launch.prepend("PATH", tool.path / "bin", ":")
        return BuildResult()
        """,
        "PATH.prepend of the layer data names .*/tool, and that layer is not in the image",
        "launch=True",
    ),
    "a process of a file beside the buildpack": (
        """
        web = WEB.replace(command=[f"{ctx.buildpack_dir}/serve.sh"])
        return BuildResult(web)
        """,
        "the process web names .*, and the buildpack itself is not in the image",
        "copy the file into a layer for launch",
    ),
    "a variable of the image that names the buildpack": (
        """
        with ctx.layer(Layer.launch("data"), Contents(version="1")) as data:
            data.env.launch.default("HELPER", str(ctx.buildpack_dir / "helper.py"))
            data.path.mkdir(exist_ok=True) if data.rebuild else None
        return BuildResult()
        """,
        "HELPER.default of the layer data names .*, and the buildpack itself is not in the image",
        "copy the file into a layer for launch",
    ),
    "a table for a key": (
        """
        with ctx.layer(Layer.launch("data"), {"version": "1"}) as data:  # here
            pass
        return BuildResult()
        """,
        "the key of the layer data is a dict, no LayerKey",
        "class Contents",
    ),
    "a dataclass for a key": (
        """
        with ctx.layer(Layer.launch("data"), Settings_()) as data:  # here
            pass
        return BuildResult()
        """,
        "the key of the layer data is a Settings_, no LayerKey",
        "class Contents",
    ),
    "a name for a layer": (
        """
        with ctx.layer("data") as data:  # here
            pass
        return BuildResult()
        """,
        "ctx.layer is given 'data', no Layer",
        "Layer.launch",
    ),
    "a layer's name that is none": (
        """
        with ctx.layer(Layer.launch("py 3")) as data:  # here
            pass
        return BuildResult()
        """,
        "a layer name may hold",
        "",
    ),
    "a value of another type in a key": (
        """
        with ctx.layer(Layer.launch("data"), Contents(version=1)) as data:  # here
            pass
        return BuildResult()
        """,
        "the key of the layer data is not what it declares",
        "types it declares",
    ),
    "a value in a key that cannot be kept": (
        """
        wanted = Contents(version=Settings_())  # here
        return BuildResult()
        """,
        "Contents.version is .*, a Settings_, which",
        "derive Settings_ from cnbkit.Model",
    ),
    "None in a list of a key": (
        """
        wanted = Contents(version=["1", None])  # here
        return BuildResult()
        """,
        "Contents.version has None in a list",
        "",
    ),
    "a list of processes": (
        """
        return BuildResult([WEB])  # here
        """,
        "is not a Process",
        r"BuildResult\(\*processes\)",
    ),
    "labels that are a list": (
        """
        return BuildResult(labels=["a"])  # here
        """,
        "labels is .*, not a table",
        "labels=",
    ),
    "a command as a text": (
        """
        return BuildResult(WEB.replace(command="python app.py"))  # here
        """,
        "command of web is 'python app.py', not a list of strings",
        "",
    ),
    "what a program printed taken for text": (
        """
        version = ctx.run("echo", "3").strip()  # here
        return BuildResult()
        """,
        "AttributeError: what ctx.run returns is not text",
        "",
    ),
    "arguments in a list": (
        """
        ctx.run(["echo", "3"])  # here
        return BuildResult()
        """,
        "ctx.run is given .*, no text",
        "each argument by itself",
    ),
    "options that are not declared": (
        """
        level = ctx.config.level  # here
        return BuildResult()
        """,
        "ctx.config is read, and the buildpack declares no options",
        "config = Settings",
    ),
    "a dependency that is not listed": (
        """
        node = ctx.dependencies("node").best("20.*")  # here
        return BuildResult()
        """,
        "no dependency with the id 'node' is listed",
        r"list it in \[\[metadata.dependencies\]\]",
    ),
    "a checksum that is none": (
        """
        ctx.download(Dependency("https://example.com/tool", "md5:12"))  # here
        return BuildResult()
        """,
        "'md5:12' is not a checksum",
        "SHA-256",
    ),
    "an archive that is none": (
        """
        ctx.unpack(ctx.app.path / "a", ctx.scratch)  # here
        return BuildResult()
        """,
        "a is damaged: it is neither tar, zip, deb",
        "and not a page about it",
    ),
    "an address in place of an archive": (
        """
        ctx.unpack("https://example.com/a.tar", "a")  # here
        return BuildResult()
        """,
        "there is no archive https://example.com/a.tar to unpack",
        r"ctx.download\(dependency\)",
    ),
    "a file in an unknown notation": (
        """
        ctx.app.read("a", Contents)  # here
        return BuildResult()
        """,
        "a is neither TOML, YAML, JSON nor INI by its name",
        "ctx.app.text",
    ),
    "a store that would be rounded": (
        """
        return BuildResult(store={"serial": 2**60})
        """,
        "store.serial of BuildResult is 1152921504606846976, which the lifecycle would round",
        "store it as text",
    ),
    "nothing returned": (
        """
        ctx.log.info("done")
        """,
        "build returned None",
        r"return BuildResult\(…\)",
    ),
    "a bug": (
        """
        return BuildResult(labels={"a": {}["b"]})  # here
        """,
        "KeyError: 'b'",
        "",
    ),
}

_CLASS = {
    "triggers that are a text": ('triggers = "a"', "triggers = 'a' is not a Triggers", "Triggers"),
    "a plan that is a table": ("plan = {}", "plan = {} is not a Plan", "plan = Plan"),
    "options that are made": ("config = Config()", "is not a class of options", "the class"),
    "an asynchronous build": (
        "async def build(self, ctx): return BuildResult()  # here",
        "build is asynchronous",
        "without `async`",
    ),
    "a build that yields": (
        "def build(self, ctx): yield BuildResult()  # here",
        "build is a generator",
        "without `async` and `yield`",
    ),
    "an asynchronous detect": (
        "async def detect(self, ctx): return ctx.join('x')  # here",
        "detect is asynchronous",
        "without `async`",
    ),
    "a build without a context": (
        "def build(self): return BuildResult()  # here",
        r"build takes \(self\)",
        r"def build\(self, ctx\)",
    ),
}

_DETECT = {
    "a plan of detect that is a table": (
        'return ctx.join("x", {})  # here',
        "the plan of detect is {}, no Plan",
        "Plan",
    ),
    "a plan for a reason": (
        'return ctx.join(Plan().provides("a"))  # here',
        "the reason of detect is .*, not text",
        "ctx.join",
    ),
    "names of a plan in a list": (
        'return ctx.join("x", Plan().provides(["a"]))  # here',
        r"Plan\(\).provides\(\['a'\]\)",
        'provides\\("a", "b"\\)',
    ),
    "a required name in a list": (
        'return ctx.join("x", Plan().requires(["a"]))  # here',
        r"Plan\(\).requires\(\['a'\]\)",
        "give each name",
    ),
    "a flag for an answer": ("return True", "detect returned True", "ctx.join"),
}

_IMPORT = {
    "bytes in a key": ("    x: bytes = key('x')  ", "K.x is a bytes"),
    "two options of one name": (
        "    x: str = key('x')\nclass K2(Config): a = Option.text('BP_A'); b = Option.flag('BP_A')",
        "two options of K2 are called BP_A",
    ),
    "a date in a key": ("    x: datetime.date = key('x')", "K.x is a datetime.date"),
    "a table of numbers in a key": ("    x: list[complex] = key('x')", "K.x is a complex"),
    "a dataclass in a key": ("    x: Settings_ = key('x')", "K.x is a Settings_"),
    "a function in a key": ("    x: Callable[[], str] = key('x')", "K.x is a Callable"),
    "a field of a key without its role": ("    x: str = 'a'", "declare it with key"),
    "a method's name in a key": ("    replace: str = key('x')", "K.replace would hide a method"),
    "triggers in a list": (
        "    x: str = key('x')\nTriggers(['a'])",
        r"triggers are \(\['a'\],\)",
    ),
    "a variable's pattern that nothing matches": (
        "    x: str = key('x')\nTriggers(settings=('BP_*_X',))",
        r"'BP_\*_X' is not a variable's name",
    ),
    "a text for settings": (
        "    x: str = key('x')\nTriggers(settings='BP_A')",
        "settings of triggers are 'BP_A'",
    ),
}


def _folder(root: Path, body: str) -> Path:
    name = f"mistaken_{next(_NUMBERS)}"
    folder = root / name
    folder.mkdir()
    (folder / "README.md").write_text("A mistake.\n")
    (folder / "buildpack.toml").write_text(
        f'api = "0.12"\n[buildpack]\nid = "acme/mistaken"\nversion = "1.0.0"\n'
        'sbom-formats = ["application/vnd.cyclonedx+json"]\n'
        f'[[buildpack.licenses]]\ntype = "MIT"\n[metadata.cnbkit]\nentry = "{name}:Pack"\n'
    )
    (folder / f"{name}.py").write_text(_HEAD + body)
    return folder


def _line(folder: Path) -> str:
    code = folder / f"{folder.name}.py"
    [line] = [n for n, text in enumerate(code.read_text().splitlines(), 1) if "# here" in text]
    return f"{code}:{line}"


def _assert_told(result: Result, folder: Path, what: str, remedy: str) -> None:
    assert result.code == 70
    assert isinstance(result.fault, BuildpackFault)
    assert re.search(what, result.fault.what), result.fault.what
    assert re.search(remedy, str(result.fault.remedy)), result.fault.remedy
    if result.fault.where:
        assert "/cnbkit/" not in result.fault.where
    if "# here" in (folder / f"{folder.name}.py").read_text():
        assert _line(folder) in (result.fault.where, result.fault.code_line)


@pytest.mark.parametrize("mistake", _BUILD)
def test_a_mistake_in_build_is_told_by_the_first_unit_test(
    tmp_path: Path, buildpack_run: BuildpackRun, mistake: str
) -> None:
    body, what, remedy = _BUILD[mistake]
    text = "@dataclass\nclass Settings_:\n    a: int = 1\nclass Pack(Buildpack):\n"
    text += "    triggers = Triggers('a')\n    def build(self, ctx):\n"
    folder = _folder(tmp_path, text + textwrap.indent(textwrap.dedent(body), "        "))
    result = buildpack_run(folder, app={"a": ""})
    if "reused" in mistake:
        assert result.code == 0
        result = result.rebuild()
    _assert_told(result, folder, what, remedy)
    assert not (result.layers_dir / "launch.toml").exists()


@pytest.mark.parametrize("mistake", _CLASS)
def test_a_mistake_in_the_class_is_told_before_anything_runs(
    tmp_path: Path, buildpack_run: BuildpackRun, mistake: str
) -> None:
    line, what, remedy = _CLASS[mistake]
    text = "class Pack(Buildpack):\n"
    if "def build" not in line:
        text += "    def build(self, ctx): return BuildResult()\n"
    text += f"    {line}\n"
    folder = _folder(tmp_path, text if "# here" in text else text.replace("):", "):  # here", 1))
    with pytest.raises(BuildpackFault) as caught:
        buildpack_run(folder)
    assert re.search(what, caught.value.what), caught.value.what
    assert re.search(remedy, str(caught.value.remedy))
    assert caught.value.where == _line(folder)
    [found] = [each for each in check(folder) if each.severity == "error"]
    assert re.search(what, found.what)
    assert found.where == _line(folder)
    assert re.search(remedy, found.remedy)


@pytest.mark.parametrize("mistake", _DETECT)
def test_a_mistake_in_detect_is_told_by_check_and_by_the_first_unit_test(
    tmp_path: Path, buildpack_run: BuildpackRun, mistake: str
) -> None:
    line, what, remedy = _DETECT[mistake]
    text = f"class Pack(Buildpack):\n    def detect(self, ctx):\n        {line}\n"
    text += "    def build(self, ctx): return BuildResult()\n"
    folder = _folder(tmp_path, text)
    _assert_told(buildpack_run(folder), folder, what, remedy)
    [found] = [each for each in check(folder) if each.severity == "error"]
    assert re.search(what, found.what)
    assert found.file == str(folder / f"{folder.name}.py")


@pytest.mark.parametrize("mistake", _IMPORT)
def test_a_mistake_in_a_declaration_is_told_when_its_module_is_imported(
    tmp_path: Path, buildpack_run: BuildpackRun, mistake: str
) -> None:
    line, what = _IMPORT[mistake]
    text = "import datetime\nfrom collections.abc import Callable\n"
    text += "@dataclass\nclass Settings_:\n    a: int = 1\n"
    text += f"class K(LayerKey):\n{line}\n"
    text += "class Pack(Buildpack):\n    def build(self, ctx): return BuildResult()\n"
    folder = _folder(tmp_path, text)
    with pytest.raises((BuildpackFault, TypeError, ValueError), match=what):
        buildpack_run(folder)
    [found] = [each for each in check(folder) if each.severity == "error"]
    assert re.search(what, found.what), found.what
    code = (folder / f"{folder.name}.py").read_text().splitlines()
    assert found.file == str(folder / f"{folder.name}.py")
    assert code[found.line - 1].startswith(("class K", "Triggers"))


def test_a_program_that_empties_a_reused_layer_is_told(
    tmp_path: Path, buildpack_run: BuildpackRun
) -> None:
    folder = tmp_path / "shell"
    (folder / "bin").mkdir(parents=True)
    (folder / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "acme/shell"\nversion = "1.0.0"\n'
    )
    (folder / "bin/detect").write_text("#!/bin/sh\n")
    (folder / "bin/build").write_text(
        '#!/bin/sh\nmkdir "$CNB_LAYERS_DIR/data"\n'
        'if [ ! -f "$CNB_LAYERS_DIR/data.toml" ]; then echo x >"$CNB_LAYERS_DIR/data/file"; fi\n'
        'printf "[types]\\nlaunch = true\\n[metadata]\\na = 1\\n" >"$CNB_LAYERS_DIR/data.toml"\n'
    )
    for name in ("detect", "build"):
        (folder / "bin" / name).chmod(0o755)
    first = buildpack_run(folder)
    assert first.code == 0
    again = first.rebuild()
    assert again.code == 70
    assert "the layer data is empty" in str(again.fault)


def test_a_trigger_that_names_a_folder_is_told(buildpack_run: BuildpackRun) -> None:
    class Pack(Buildpack):
        triggers = Triggers("src", "src/main.c")

    result = buildpack_run(Pack, app={"src/app.c": ""})
    assert result.reason == "none of src, src/main.c"
    assert "  src is a folder of the app, and triggers name files\n" in result.log
    assert "is a folder" not in buildpack_run(Pack, app={"src/main.c": ""}).log


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ('open("made", "w").close()', "made"),
        ('ctx.app.path.joinpath("a").write_text("b")', "a"),
        ('ctx.app.path.joinpath("a").unlink()', "a"),
        ('ctx.app.path.joinpath("a").chmod(0o700)', "a"),
        ('ctx.app.path.joinpath("folder").mkdir()', "folder"),
    ],
)
def test_a_detect_that_changes_the_app_is_told_by_the_first_unit_test(
    tmp_path: Path, buildpack_run: BuildpackRun, statement: str, changed: str
) -> None:
    text = "class Pack(Buildpack):\n    def detect(self, ctx):  # here\n"
    text += f"        {statement}\n        return ctx.join('x')\n"
    text += "    def build(self, ctx): return BuildResult()\n"
    folder = _folder(tmp_path, text)
    result = buildpack_run(folder, app={"a": ""})
    _assert_told(result, folder, f"detect changed the app: {changed}$", "in build")


def test_a_build_with_a_slip_in_its_name_is_told_by_check_and_by_the_first_unit_test(
    tmp_path: Path, buildpack_run: BuildpackRun
) -> None:
    text = "class Pack(Buildpack):\n    triggers = Triggers('a')\n"
    folder = _folder(tmp_path, text + "    def bulid(self, ctx): return BuildResult()\n")
    _assert_told(
        buildpack_run(folder, app={"a": ""}), folder, "has no build of its own", "def build"
    )
    assert "Pack has no build of its own" in [each.what for each in check(folder)]
