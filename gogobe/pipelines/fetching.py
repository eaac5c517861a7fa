"""The configuration of downloads, from the settings."""

from __future__ import annotations

import re
from typing import Final

from gogobe.chains.chain import Chains
from gogobe.io.download_work import Plan
from gogobe.io.fetching import FetchSettings
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.io.portals import Portals
from gogobe.settings import Settings, SettingsError
from gogobe.transforms.download import DownloadConfig

PENDING_PER_THREAD: Final = 2
_BUCKET: Final = re.compile(r"(?:s3|gs)://[^/]+(?:/.*)?")


def download_config(
    settings: Settings, store: ObjectStore, chains: Chains, *, instances: int = 1, is_bounded: bool = False
) -> DownloadConfig:
    """The configuration of the download step. The `instances` of the job share the limits of each host. A
    bounded job has neither checkpoints nor later bundles, so it waits for the end of each download. Raises
    SettingsError."""
    plan = Plan(
        threads=settings.fetch_threads,
        slow_threads=settings.fetch_slow_threads,
        wait=settings.fetch_total if is_bounded else settings.fetch_wait,
        pending=PENDING_PER_THREAD * settings.fetch_threads,
    )
    portals = Portals(chains, settings.fetch_per_host, instances)
    return DownloadConfig(store, fetch_settings(settings), portals, plan, settings.fetch_give_up)


def fetch_settings(settings: Settings) -> FetchSettings:
    """The settings of a download. Raises SettingsError."""
    try:
        allowed = AllowedHosts.parse(settings.fetch_hosts)
    except ValueError as error:
        raise SettingsError(f"fetch_hosts: {error}") from error
    return FetchSettings(
        attempts=settings.fetch_attempts,
        deadline=settings.fetch_deadline,
        total=settings.fetch_total,
        allowed=allowed,
        insecure_redirects=settings.fetch_insecure_redirects,
        headers={"User-Agent": settings.fetch_user_agent},
        folders=_folders(settings.fetch_folders),
        endpoint=settings.store_endpoint,
    )


def _folders(text: str) -> tuple[str, ...]:
    """The folders and buckets in the setting. Raises SettingsError."""
    found = tuple(folder.strip() for folder in text.split(",") if folder.strip())
    for folder in found:
        if not (folder.startswith("/") or _BUCKET.fullmatch(folder)):
            raise SettingsError(
                f"fetch_folders: {folder}: neither an absolute folder nor a bucket, as in /data/feeds, "
                "s3://bucket/prefix or gs://bucket"
            )
    return found
