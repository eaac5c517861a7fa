"""The policy reads what packages state about their licences, and accepts by SPDX id."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.policy import Package, Policy, PolicyError, Verdict, load_policy

TEXT = """
allowed = ["MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"]
names = { "Apache Software License" = "Apache-2.0", "MIT License" = "MIT" }

[[exceptions]]
packages = ["some-driver"]
licence = "LGPL-3.0-only"
reason = "imported unchanged"

[[unnamed]]
packages = ["silent"]
licence = "MIT"
reason = "its LICENSE file"
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    file = tmp_path / "policy.toml"
    file.write_text(TEXT)
    return load_policy(file)


def package(*statements: tuple[str, ...], name: str = "package") -> Package:
    return Package(name, "1.0", statements)


@pytest.mark.parametrize(
    ("text", "is_accepted"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("Apache-2.0 AND (GPL-3.0-only OR MIT)", True),
        ("(Apache-2.0 OR MIT) AND GPL-3.0-only", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPL-2.0-only", False),
        ("apache  software license", True),
        ("Free for personal use", False),
        ("NOT-AN-ID", False),
    ],
)
def test_an_expression_is_accepted_as_its_operators_say(policy: Policy, text: str, is_accepted: bool):
    assert policy.judge(package((text,))).is_accepted is is_accepted


def test_the_first_statement_that_can_be_read_counts(policy: Policy):
    stated = package(("Dual License",), ("MIT License", "Apache Software License"))
    assert policy.judge(stated) == Verdict(stated, "Apache-2.0 AND MIT", True)
    strict = package(("GPL-3.0-only",), ("MIT License",))
    assert policy.judge(strict) == Verdict(strict, "GPL-3.0-only", False)


def test_several_classifiers_apply_together(policy: Policy):
    assert not policy.judge(package(("MIT License", "Some Other License"))).is_accepted


def test_licences_of_a_choice_need_one_that_is_accepted(policy: Policy):
    stated = Package("package", "1.0", (("GPL-3.0-only", "MIT License"),), is_choice=True)
    assert policy.judge(stated) == Verdict(stated, "GPL-3.0-only OR MIT", True)


def test_an_unreadable_licence_is_shown_in_its_own_words(policy: Policy):
    verdict = policy.judge(package(("Own terms",), ("Other License",)))
    assert (verdict.licence, verdict.is_accepted) == ("Own terms; Other License", False)


def test_an_exception_holds_for_its_package_and_its_licence_only(policy: Policy):
    driver = package(("LGPL-3.0-only",), name="Some_Driver")
    assert policy.judge(driver) == Verdict(driver, "LGPL-3.0-only", True, "imported unchanged")
    assert not policy.judge(package(("AGPL-3.0-only",), name="some-driver")).is_accepted
    assert not policy.judge(package(("LGPL-3.0-only",), name="another")).is_accepted


def test_a_package_without_a_statement_needs_an_entry(policy: Policy):
    assert policy.judge(package(name="silent")).licence == "MIT"
    assert policy.judge(package(name="silent")).is_accepted
    assert not policy.judge(package(name="other")).is_accepted
    assert not policy.judge(package(("GPL-3.0-only",), name="silent")).is_accepted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('allowed = ["MTI"]', "'MTI' is not an SPDX id"),
        ("allowed = 3", "policy.toml"),
        ("allowed = [", "policy.toml"),
        ('allowed = []\n[[exceptions]]\npackages = ["a"]\nlicence = "MIT"', "reason"),
    ],
)
def test_an_invalid_policy_file_is_refused(tmp_path: Path, text: str, message: str):
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=message):
        load_policy(file)


def test_the_project_s_policy_is_valid():
    assert load_policy().file.allowed
