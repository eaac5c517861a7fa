"""The configuration of downloads, from the settings."""

from __future__ import annotations

import pytest

from gogobe.chains.chain import Chains
from gogobe.io.objects import ObjectStore
from gogobe.pipelines.fetching import download_config, fetch_settings
from gogobe.settings import Settings, SettingsError

STORE = ObjectStore("/nowhere")


@pytest.mark.parametrize("threads", [1, 3, 16])
def test_at_most_two_downloads_a_thread_are_submitted(threads: int):
    """Memory and the length of a bundle are bounded by it for any announcements."""
    plan = download_config(Settings(fetch_threads=threads), STORE, Chains([])).plan
    assert (plan.threads, plan.pending) == (threads, 2 * threads)


def test_a_bounded_run_waits_for_each_download_to_its_end():
    settings = Settings(fetch_wait=2.0, fetch_total=300.0)
    assert download_config(settings, STORE, Chains([])).plan.wait == 2.0
    assert download_config(settings, STORE, Chains([]), is_bounded=True).plan.wait == 300.0


@pytest.mark.parametrize("folders", ["data/feeds", "https://portal.example", "s3://"])
def test_a_folder_that_is_none_is_named(folders: str):
    with pytest.raises(SettingsError, match=r"fetch_folders: .*neither an absolute folder nor a bucket"):
        fetch_settings(Settings(fetch_folders=folders))
