"""`make licences`: the licence of each installed Python package; exit code 1 if one is not accepted.

python -m audit.licences

The packages are those of the environment that runs the module; `policy.toml` has the accepted licences.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

import click
from packaging.utils import canonicalize_name

from audit.policy import POLICY, Package, Policy, PolicyError, Verdict, load_policy

PROJECT: Final = Path(__file__).parents[1]
OWN: Final = "gogobe"


@click.command()
def main() -> None:
    """Prints a table of packages, versions and licences, then what is not accepted."""
    try:
        policy = load_policy()
    except PolicyError as error:
        raise click.ClickException(str(error)) from error
    verdicts = judged(policy, installed(metadata.distributions()))
    click.echo("\n".join(table(verdicts)))
    missing = sorted(
        locked(PROJECT / "requirements.lock") - {canonicalize_name(one.package.name) for one in verdicts}
    )
    if missing:
        click.echo(f"\nFor other platforms, not installed here and not checked: {', '.join(missing)}")
    click.echo()
    refused = [one for one in verdicts if not one.is_accepted]
    for one in refused:
        click.echo(
            f"{one.package.name} {one.package.version}: {one.licence} is not accepted: replace the package, "
            f"or extend {POLICY.relative_to(PROJECT)} with the reason",
            err=True,
        )
    click.echo(summary(verdicts))
    raise SystemExit(1 if refused else 0)


def installed(distributions: Iterable[metadata.Distribution]) -> list[Package]:
    """The packages of an environment by name, without the project itself. Of a name found twice, the first
    counts, as in an import."""
    packages: dict[str, Package] = {}
    for one in distributions:
        if canonicalize_name(one.metadata["Name"]) != OWN:
            packages.setdefault(canonicalize_name(one.metadata["Name"]), package_of(one.metadata))
    return [packages[name] for name in sorted(packages)]


def package_of(described: metadata.PackageMetadata) -> Package:
    """A package from its core metadata: `License-Expression`, the text `License`, classifiers."""
    parts = (one.split(" :: ") for one in described.get_all("Classifier") or [])
    # "License :: OSI Approved" alone names no licence, and neither does "DFSG approved".
    classifiers = tuple(one[-1] for one in parts if one[0] == "License" and "approved" not in one[-1].lower())
    texts = [text for field in ("License-Expression", "License") for text in described.get_all(field) or []]
    named = [(text.strip(),) for text in texts if text.strip() not in ("", "UNKNOWN")]
    return Package(described["Name"], described["Version"], (*named, *([classifiers] if classifiers else [])))


def locked(lock: Path) -> set[str]:
    """The names of a lock's packages, for every platform."""
    return {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.M)}


def judged(policy: Policy, packages: Iterable[Package]) -> list[Verdict]:
    """The verdict on each package."""
    return [policy.judge(package) for package in packages]


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Aligned lines: package, version, licence, and the reason of an exception."""
    rows = [("Package", "Version", "Licence"), *(_cells(one) for one in verdicts)]
    name, version = (_width([row[column] for row in rows]) for column in (0, 1))
    for row in rows:
        yield f"{row[0]:<{name}}  {row[1]:<{version}}  {row[2]}"


def _cells(verdict: Verdict) -> tuple[str, str, str]:
    first_line = verdict.licence.partition("\n")[0]
    licence = f"{first_line} (exception: {verdict.exception})" if verdict.exception else first_line
    return verdict.package.name, verdict.package.version, licence


def _width(cells: Collection[str]) -> int:
    return max(map(len, cells))


def summary(verdicts: Sequence[Verdict]) -> str:
    """The last line."""
    refused = sum(not one.is_accepted for one in verdicts)
    exceptions = sum(bool(one.exception) for one in verdicts)
    outcome = f"{refused} not accepted" if refused else "every licence allows commercial use"
    return f"{len(verdicts)} Python packages: {outcome} ({exceptions} by an exception with a reason)"


if __name__ == "__main__":
    main()
