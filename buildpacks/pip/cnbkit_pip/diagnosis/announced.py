"""What will be compiled, told before: it takes long, and there may be a Python with a wheel."""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_pip.diagnosis.diagnose import INSTEAD
from cnbkit_pip.diagnosis.published import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.diagnosis.survey import Survey
    from cnbkit_python_inputs.package import Package

__all__ = ["Announced"]


class Announced:
    """Tells each package once.

    Args:
        ctx: the build.
        survey: asks the indexes.
    """

    def __init__(self, ctx: BuildContext, survey: Survey) -> None:
        self._ctx = ctx
        self._survey = survey
        self._told: set[str] = set()

    def before_resolving(self) -> None:
        """About packages whose version is given: a resolution may have to compile them."""
        self._tell(self._survey.compiled())

    def resolved(self, packages: list[Package]) -> None:
        """About extras that nothing comes of.

        Args:
            packages: what the user's own lines were resolved to.
        """
        for line in self._survey.unknown_extras(packages):
            self._ctx.log.warning(line)

    def before_installing(self, packages: list[Package]) -> None:
        """About all others.

        Args:
            packages: with the file that each is installed from.
        """
        self._tell([f"{each.name}=={each.version}" for each in packages if "sdist" in each.entry])

    def _tell(self, pins: list[str]) -> None:
        new = [pin for pin in pins if pin not in self._told]
        self._told.update(new)
        if not new:
            return
        lines, having = [], []
        for pin in sorted(new):
            pythons = self._survey.pythons(pin)
            having += [pythons] if pythons else []
            wheels = f"it has wheels for Python {span(pythons)}" if pythons else ""
            other = INSTEAD.get(pin.partition("==")[0])
            lines.append(
                f"{pin.replace('==', ' ')}: {wheels or 'it has no wheels at all'}"
                + (f"; {other} comes with them" if other else "")
            )
        first, *rest = having or [[]]
        common = [each for each in first if all(each in pythons for pythons in rest)]
        common = self._survey.suitable(common)
        if common:
            lines.append(
                f"Python {common[-1]} has wheels of {_all(len(having), len(new))}: write "
                f"{common[-1]} into .python-version"
            )
        count = f"{len(new)} packages have" if len(new) > 1 else "a package has"
        self._ctx.log.warning(
            f"{count} no wheel for this image, which means compiling here: that takes long and "
            "may fail\n" + "\n".join(lines)
        )


def _all(having: int, count: int) -> str:
    if having < count:
        return f"the {having} that have any" if having > 1 else "the one that has any"
    return "all of them" if count > 1 else "it"
