"""Whether a buildpack's class is declared as it has to be: told before anything of it runs."""

from __future__ import annotations

from cnbkit.buildpack import Buildpack, Triggers
from cnbkit.config import Config
from cnbkit.errors import BuildpackFault
from cnbkit.spec.build_plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

__all__ = ["check_class"]

_COROUTINE, _GENERATOR, _ASYNC_GENERATOR, _MORE = 0x80, 0x20, 0x200, 0x04


def check_class(cls: type[Buildpack]) -> None:
    """Check what a class says of itself and the form of its phases.

    Raises:
        BuildpackFault: with the line, and what to write.
    """
    faults: list[tuple[str, str]] = []
    if not isinstance(cls.triggers, Triggers):
        faults.append(
            (f"triggers = {cls.triggers!r} is not a Triggers", 'triggers = Triggers("file.txt")')
        )
    if cls.plan is not None and not isinstance(cls.plan, Plan):
        faults.append((f"plan = {cls.plan!r} is not a Plan", 'plan = Plan().requires("python")'))
    if cls.config is not None and not (
        isinstance(cls.config, type) and issubclass(cls.config, Config)
    ):
        faults.append(
            (f"config = {cls.config!r} is not a class of options", "config = MyOptions (the class)")
        )
    if faults:
        what, remedy = faults[0]
        raise BuildpackFault(
            f"{cls.__name__}: {what}",
            where=_line_of(cls),
            remedy=f"write: {remedy}",
            detail="\n".join(f"{each}; write: {form}" for each, form in faults[1:]) or None,
        )
    for phase in ("detect", "build", "generate"):
        code: CodeType | None = getattr(getattr(cls, phase), "__code__", None)
        if code is not None:
            _check_phase(cls.__name__, phase, code, getattr(cls, phase).__defaults__ or ())


def _check_phase(name: str, phase: str, code: CodeType, defaults: tuple[object, ...]) -> None:
    where = f"{code.co_filename}:{code.co_firstlineno}"
    if code.co_flags & (_COROUTINE | _GENERATOR | _ASYNC_GENERATOR):
        asynchronous = code.co_flags & (_COROUTINE | _ASYNC_GENERATOR)
        raise BuildpackFault(
            f"{name}.{phase} is {'asynchronous' if asynchronous else 'a generator'}, so calling it "
            "does nothing",
            where=where,
            remedy=f"write `def {phase}(self, ctx)` without `async` and `yield`; use "
            "asyncio.run(…) inside for what is asynchronous",
        )
    least = code.co_argcount - len(defaults)
    if not code.co_flags & _MORE and not least <= 2 <= code.co_argcount:
        arguments = ", ".join(code.co_varnames[: code.co_argcount])
        raise BuildpackFault(
            f"{name}.{phase} takes ({arguments})",
            where=where,
            remedy=f"write: def {phase}(self, ctx)",
        )


def _line_of(cls: type) -> str:
    import inspect

    try:
        return f"{inspect.getfile(cls)}:{inspect.getsourcelines(cls)[1]}"
    except (OSError, TypeError):
        return f"{cls.__module__}.{cls.__qualname__}"
