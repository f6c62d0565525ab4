"""The OCI's own labels, and facts of the build: from CI variables, project files and git."""

from __future__ import annotations

from cnbkit import BuildContext, PythonBuild, UserFault
from cnbkit_labels.git import origin, revision, without_login

__all__ = ["FACTS", "OCI", "standard"]

OCI = "org.opencontainers.image."
FACTS = "io.cnbkit."

# Each of a CI service: GitHub (also Gitea, Forgejo), GitLab, CircleCI, Jenkins, Bitbucket, Azure,
# Buildkite; the last is for whoever has none of these, and what `cnbkit build` finds out of git.
_REVISIONS = (
    *("GITHUB_SHA", "CI_COMMIT_SHA", "CIRCLE_SHA1", "GIT_COMMIT", "BITBUCKET_COMMIT"),
    *("BUILD_SOURCEVERSION", "BUILDKITE_COMMIT", "BP_OCI_REVISION"),
)
_TAGS = (
    "CI_COMMIT_TAG",
    "CIRCLE_TAG",
    "TAG_NAME",
    "BITBUCKET_TAG",
    "BUILDKITE_TAG",
    "BP_OCI_VERSION",
)
_SOURCES = (
    *("CI_PROJECT_URL", "CIRCLE_REPOSITORY_URL", "GIT_URL", "BITBUCKET_GIT_HTTP_ORIGIN"),
    *("BUILD_REPOSITORY_URI", "BUILDKITE_REPO", "BP_OCI_SOURCE"),
)
# In project.toml, in pyproject.toml.
_SECTIONS = {
    "project.toml": ("_", "project"),
    "pyproject.toml": ("project", "tool.poetry"),
}
_LINKS = ("source", "source code", "repository", "homepage")


def standard(ctx: BuildContext) -> dict[str, str]:
    """Label → value of everything that can be told.

    Raises:
        UserFault: SOURCE_DATE_EPOCH is not a time, or BP_OCI_MODIFIED is neither yes nor no.
    """
    project = _project(ctx)
    found = {
        "title": project.get("name", ""),
        "version": _tag(ctx) or project.get("version", ""),
        "description": project.get("description", ""),
        "revision": _first(ctx, _REVISIONS) or revision(ctx),
        "source": _source(ctx) or without_login(project.get("source", "")) or origin(ctx),
        "created": _created(ctx),
    }
    labels = {f"{OCI}{name}": value for name, value in found.items() if value}
    if found["revision"] and ctx.settings.flag("BP_OCI_MODIFIED"):
        labels[f"{FACTS}modified"] = "true"
    python = PythonBuild.read(ctx).python_version
    # What the image is for is the `hardware` buildpack's to say.
    return {**labels, **({f"{FACTS}python": python} if python else {})}


def _first(ctx: BuildContext, names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := ctx.settings.get(name))), "")


def _tag(ctx: BuildContext) -> str:
    if ctx.settings.get("GITHUB_REF_TYPE") == "tag":
        return ctx.settings.get("GITHUB_REF_NAME")
    return _first(ctx, _TAGS)


def _source(ctx: BuildContext) -> str:
    repository = ctx.settings.get("GITHUB_REPOSITORY")
    if repository:
        server = ctx.settings.get("GITHUB_SERVER_URL")
        return without_login(f"{server.rstrip('/')}/{repository}") if server else ""
    return without_login(_first(ctx, _SOURCES))


def _created(ctx: BuildContext) -> str:
    """Only what is the same whenever the same source is built."""
    text = ctx.settings.get("SOURCE_DATE_EPOCH")
    if not text:
        return ctx.settings.get("CI_COMMIT_TIMESTAMP")
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise UserFault(
            f"SOURCE_DATE_EPOCH is {text!r}, which is not a number of seconds",
            where="SOURCE_DATE_EPOCH",
            remedy="set it to the seconds since 1970, as `git log -1 --format=%ct` prints them",
        )
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(text)))


def _project(ctx: BuildContext) -> dict[str, str]:
    """Plain texts of the project's table: name, version, description and source.

    Read line by line: parsing TOML takes longer than the rest of the build, and anything that is
    no plain text in quotes on one line is nothing that belongs into a label.
    """
    found: dict[str, str] = {}
    for file, sections in _SECTIONS.items():
        if not ctx.app.has(file):
            continue
        section = ""
        for raw in ctx.app.text(file).splitlines():
            line = raw.strip()
            if line.startswith("["):
                section = line.partition("]")[0].strip("[ ").replace('"', "")
                continue
            name, sign, rest = line.partition("=")
            name, value = name.strip().strip("\"'").lower(), _plain(rest.strip())
            if not sign or not value:
                continue
            if section in sections and name in ("name", "version", "description"):
                found.setdefault(name, value)
            elif section in sections and name in ("source-url", "repository"):
                found.setdefault("source", value)
            elif section in ("project.urls", "tool.poetry.urls") and name in _LINKS:
                # The names go from the most to the least telling.
                before = found.get("link", _LINKS[-1])
                if _LINKS.index(name) <= _LINKS.index(before):
                    found["link"], found["url"] = name, value
    if "url" in found:
        found.setdefault("source", found["url"])
    return found


def _plain(text: str) -> str:
    """What stands in quotes, if nothing but a comment comes behind it; else nothing."""
    quote = text[:1]
    if quote not in ("'", '"') or text.startswith(quote * 2):
        return ""
    value, end, rest = text[1:].partition(quote)
    behind = rest.strip()
    if not end or "\\" in value or (behind and not behind.startswith("#")):
        return ""
    return value
