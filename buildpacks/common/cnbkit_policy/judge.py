"""Judge: read the policy, find, report, and end the build if need be."""

from __future__ import annotations

import os

from cnbkit import Binding, BuildContext, Log, PlatformFault, UserFault
from cnbkit_policy.findings import Finding, find
from cnbkit_policy.osv import vulnerabilities
from cnbkit_policy.report import line, write_reports
from cnbkit_policy.rules import Rules, read_rules
from cnbkit_policy.size import Contents
from cnbkit_policy.subject import Subject

__all__ = ["judge"]


def judge(
    ctx: BuildContext,
    binding: Binding | None,
    subject: Subject,
    known: Binding | None,
    directory: str,
    report: str,
    day: str,
) -> dict[str, object]:
    """Compare the build with the policy.

    Args:
        ctx: the build.
        binding: has policy.toml.
        subject: what is judged.
        known: has the OSV dump, if there is one.
        directory: where to keep the summary.
        report: folder for reports; none if empty.
        day: today.

    Returns:
        What to know at the next build: licences of packages and sizes of layers
        that it may not see.

    Raises:
        UserFault: something is not allowed; says what, where, and who may allow it. Or the
            policy is wrong.
        PlatformFault: the reports cannot be written.
    """
    if binding is None:
        raise UserFault(
            "there is no binding of type policy",
            where="bindings",
            remedy="give the build one with policy.toml in it",
        )
    rules = read_rules(binding.text("policy.toml"), f"binding {binding.name}")
    # Of packages whose layers are re-used, and so not there to look at.
    kept = ctx.store.get("licenses")
    licenses = {str(k): str(v) for k, v in kept.items()} if isinstance(kept, dict) else {}
    packages = subject.packages(licenses)
    has = vulnerabilities(known, packages) if known else []
    contents = Contents.of(ctx)
    contents.measure(ctx.store.get("sizes"))
    findings = find(rules, subject, packages, has, contents, day)
    if report:
        _report(report, findings, len(packages))
    for each in findings:
        if each.exempt:
            ctx.log.info(line(each))
        elif not each.fails:
            ctx.log.warning(line(each))
    failing = [each for each in findings if each.fails]
    if failing:
        raise _refused(failing, rules, binding.name)
    summary = Log.counted(len(packages), "package")
    if subject.declared and not subject.final:
        summary += f" that {subject.declared} names (what they need is judged once it is installed)"
    summary += f", {len(findings)} findings that end no build" if findings else ", nothing found"
    ctx.log.info(f"Policy of the binding {binding.name}: {summary}")
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/summary.txt", "w", encoding="utf-8") as file:
        file.write("\n".join([summary, *(line(each) for each in findings)]))
    there = {f"{each.name} {each.version}" for each in packages}
    return {
        "licenses": {name: licenses[name] for name in sorted(licenses) if name in there},
        "sizes": contents.remembered(),
    }


def _report(folder: str, findings: list[Finding], packages: int) -> None:
    try:
        write_reports(folder, findings, packages)
    except OSError as error:
        raise PlatformFault(
            f"cannot write the report of the policy: {error.strerror}",
            where=folder,
            remedy="let BP_POLICY_REPORT name a folder that the build's user may write to",
        ) from None


def _refused(failing: list[Finding], rules: Rules, name: str) -> UserFault:
    ask = rules.contact or "whoever runs the builder"
    return UserFault(
        f"the policy does not allow {len(failing)} thing{'s' if len(failing) > 1 else ''} "
        "in this image",
        where=f"binding {name}",
        remedy=f"correct each of these, or ask {ask} for an exception",
        detail="\n".join(line(each) for each in failing),
    )
