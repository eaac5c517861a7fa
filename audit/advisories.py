"""`make audit`: known vulnerabilities of the locked Python packages, from a database of advisories.

python -m audit.advisories [--service pypi|osv]

pip-audit runs in an environment of its own (`requirements-audit.lock`). It ends with success where a service
does not know a package, as with an index mirror that has no advisories. So the service is first asked about a
release that has advisories, and a package without an answer fails the audit.

Exit codes: 0 no known vulnerability, 1 vulnerable packages, 2 no or incomplete answer.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import msgspec

from audit.policy import PolicyError, load_policy

PROJECT: Final = Path(__file__).parents[1]
AUDITOR: Final = PROJECT / "var" / "audit" / "bin" / "pip-audit"
LOCKS: Final = (PROJECT / "requirements.lock", PROJECT / "requirements-audit.lock")
KNOWN_VULNERABLE: Final = "requests==2.19.0"
"""A release with an advisory since 2018 (CVE-2018-18074), which every database of advisories has."""
SECONDS: Final = 15
"""Bound of one request to the service."""


class AuditError(Exception):
    """The audit got no answer, or not for every package; the message has the cause and the remedy."""


class Advisory(msgspec.Struct, frozen=True):
    """One known vulnerability of a release."""

    id: str
    fix_versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Dependency(msgspec.Struct, frozen=True):
    """The answer for one package. `skip_reason`: why there is none."""

    name: str
    version: str = ""
    vulns: tuple[Advisory, ...] = ()
    skip_reason: str = ""


class Report(msgspec.Struct, frozen=True):
    """pip-audit's answer as JSON."""

    dependencies: tuple[Dependency, ...]

    @property
    def vulnerable(self) -> list[Dependency]:
        """Packages with at least one advisory."""
        return [one for one in self.dependencies if one.vulns]

    @property
    def skipped(self) -> list[Dependency]:
        """Packages for which the service has no answer."""
        return [one for one in self.dependencies if one.skip_reason]


@dataclass(frozen=True)
class Auditor:
    """pip-audit with the service that it asks (`pypi` or `osv`)."""

    program: Path
    service: str

    def check_service(self) -> None:
        """Raises AuditError if the service does not report a release that is known to be vulnerable."""
        with tempfile.TemporaryDirectory(prefix="gogobe-audit-") as folder:
            requirement = Path(folder) / "requirements.txt"
            requirement.write_text(f"{KNOWN_VULNERABLE}\n", "utf-8")
            report = self._report(["--no-deps", "--requirement", str(requirement)])
        if not report.vulnerable:
            raise AuditError(
                f"nothing was checked: the service {self.service} reports no advisory of {KNOWN_VULNERABLE}, "
                f"which has several. A mirror of the package index often has no advisories. {self._remedy}"
            )

    def audit(self, lock: Path, ignored: Sequence[str]) -> Report:
        """The advisories of the packages of a lock that this platform installs, without the ignored ids.
        Raises AuditError if a package has no answer. pip-audit takes no two locks with a common package."""
        arguments = ["--require-hashes", "--requirement", str(lock)]
        arguments += [word for one in ignored for word in ("--ignore-vuln", one)]
        report = self._report(arguments)
        if not report.dependencies:
            raise AuditError(
                f"nothing was checked: pip-audit found no package in {lock}. Write it by `make lock`."
            )
        if report.skipped:
            names = ", ".join(one.name for one in report.skipped)
            raise AuditError(
                f"the service {self.service} has no answer for {len(report.skipped)} of "
                f"{len(report.dependencies)} packages of {lock.name} ({names}): "
                f"{report.skipped[0].skip_reason}. {self._remedy}"
            )
        return report

    @property
    def _remedy(self) -> str:
        other = "osv" if self.service == "pypi" else "pypi"
        return f"Try another network, or `make audit SERVICE={other}`."

    def _report(self, arguments: Sequence[str]) -> Report:
        fixed = ["--vulnerability-service", self.service, "--format", "json", "--disable-pip"]
        fixed += ["--progress-spinner", "off", "--timeout", str(SECONDS)]
        try:
            done = subprocess.run(
                [self.program, *fixed, *arguments], capture_output=True, text=True, check=False, cwd=PROJECT
            )
        except OSError as error:
            raise AuditError(f"{self.program} cannot be run: {error.strerror}. Run `make audit`.") from error
        try:
            return msgspec.json.decode(done.stdout, type=Report)
        except msgspec.DecodeError as error:
            cause = (done.stderr.strip().splitlines() or ["no output"])[-1]
            raise AuditError(
                f"nothing was checked: the service {self.service} gave no answer. {self._remedy} "
                f"pip-audit's last line: {cause}"
            ) from error


@click.command()
@click.option("--service", type=click.Choice(["pypi", "osv"]), default="pypi", show_default=True)
@click.option("--auditor", type=click.Path(path_type=Path), default=AUDITOR, hidden=True)
def main(service: str, auditor: Path) -> None:
    """Prints the known vulnerabilities of the locked packages."""
    asked = Auditor(auditor, service)
    try:
        ignored = load_policy().file.advisories
        asked.check_service()
        reports = [asked.audit(lock, [one.id for one in ignored]) for lock in LOCKS]
    except (AuditError, PolicyError) as error:
        click.echo(f"make audit: {error}", err=True)
        raise SystemExit(2) from error
    for lock, report in zip(LOCKS, reports, strict=True):
        click.echo("\n".join(summary(lock.name, report)))
    raise SystemExit(1 if any(report.vulnerable for report in reports) else 0)


def summary(lock: str, report: Report) -> Iterator[str]:
    """A line for each advisory, then one for the lock."""
    for one in report.vulnerable:
        for advisory in one.vulns:
            names = ", ".join((advisory.id, *advisory.aliases))
            fixed = ", ".join(advisory.fix_versions) or "no release yet"
            yield f"{one.name} {one.version}: {names}; fixed in {fixed}"
    vulnerable = len(report.vulnerable)
    outcome = f"{vulnerable} with known vulnerabilities" if vulnerable else "none vulnerable"
    yield f"{len(report.dependencies)} packages of {lock}: {outcome}"


if __name__ == "__main__":
    main()
