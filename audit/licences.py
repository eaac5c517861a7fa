"""`make licences`: the licence of each Python and Java package; exit code 1 if one is not accepted.

python -m audit.licences [--java FILE]

The Python packages are those of the environment that runs the module. FILE has the Java packages, one a line,
as `java/licences.ftl` writes them. `policy.toml` has the accepted licences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

import click
from packaging.utils import canonicalize_name

from audit.packages import PackagesError, java_packages, locked_names, python_packages
from audit.policy import POLICY, PolicyError, Verdict, load_policy

PROJECT: Final = Path(__file__).parents[1]


@click.command()
@click.option(
    "--java", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="List of Java packages."
)
def main(java: Path | None) -> None:
    """For each kind of package: a table of names, versions and licences, then what is not accepted."""
    try:
        policy = load_policy()
        kinds = {"Python": [policy.judge(one) for one in python_packages(metadata.distributions())]}
        if java is not None:
            kinds["Java"] = [policy.judge(one) for one in java_packages(java)]
    except (PolicyError, PackagesError) as error:
        raise click.ClickException(str(error)) from error
    for kind, verdicts in kinds.items():
        click.echo("\n".join(table(kind, verdicts)) + "\n")
    if missing := _not_installed(kinds["Python"]):
        click.echo(f"Not checked, for other platforms or Python versions: {', '.join(missing)}")
    for one in (verdict for verdicts in kinds.values() for verdict in verdicts if not verdict.is_accepted):
        click.echo(
            f"{one.package.name} {one.package.version}: {one.licence} is not accepted: replace the package, "
            f"or extend {POLICY.relative_to(PROJECT)} with the reason",
            err=True,
        )
    for kind, verdicts in kinds.items():
        click.echo(summary(kind, verdicts))
    raise SystemExit(0 if all(one.is_accepted for verdicts in kinds.values() for one in verdicts) else 1)


def table(kind: str, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Aligned lines: package, version, licence, and the reason of an exception."""
    rows = [(f"{kind} package", "Version", "Licence"), *(_cells(one) for one in verdicts)]
    name, version = (_width([row[column] for row in rows]) for column in (0, 1))
    for row in rows:
        yield f"{row[0]:<{name}}  {row[1]:<{version}}  {row[2]}"


def summary(kind: str, verdicts: Sequence[Verdict]) -> str:
    """The last line about a kind of package."""
    refused = sum(not one.is_accepted for one in verdicts)
    exceptions = sum(bool(one.exception) for one in verdicts)
    outcome = f"{refused} not accepted" if refused else "every licence allows commercial use"
    return f"{len(verdicts)} {kind} packages: {outcome} ({exceptions} by an exception with a reason)"


def _cells(verdict: Verdict) -> tuple[str, str, str]:
    first_line = verdict.licence.partition("\n")[0]
    licence = f"{first_line} (exception: {verdict.exception})" if verdict.exception else first_line
    return verdict.package.name, verdict.package.version, licence


def _width(cells: Collection[str]) -> int:
    return max(map(len, cells))


def _not_installed(verdicts: Sequence[Verdict]) -> list[str]:
    installed = {canonicalize_name(one.package.name) for one in verdicts}
    return sorted(locked_names(PROJECT / "requirements.lock") - installed)


if __name__ == "__main__":
    main()
