"""The settings: names, types, defaults, help and groups, and the addresses that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_type_hints

import msgspec

from gogobe.database.address import DatabaseAddress
from gogobe.database.roles import DatabaseRoles, Role
from gogobe.database.timeouts import Timeouts
from gogobe.io.kafka.options import KafkaAddress, KafkaOptions
from gogobe.secrets import Secret

if TYPE_CHECKING:
    from gogobe.local.addresses import StackAddresses

PREFIX: Final = "GOGOBE_"
TABLE: Final = "kafka_options"
DATABASES: Final = ("database", "database_loader", "database_reader")
"""The settings with an address of the database; the password of each is NAME_password."""
# The first word of a setting's name decides where forms and pages show it.
GROUPS: Final[Mapping[str, str]] = {
    "kafka": "Kafka", "topic": "Kafka", "group": "Kafka", "database": "Database", "price": "Database",
    "expansion": "Beam", "store": "Object store", "chains": "Chains", "masters": "Masters",
    "commit": "Loading", "views": "Loading", "fetch": "Downloads", "crawl": "Discovery",
    "keep": "Retention",
}  # fmt: skip


def _help(text: str, at_least: float | None = None) -> msgspec.Meta:
    return msgspec.Meta(description=text, ge=at_least)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of pipelines and commands. Times are in seconds. Empty addresses are replaced by those of
    the running local stack (`gogobe up`)."""

    kafka: Annotated[str, _help("Kafka bootstrap servers, HOST:PORT[,HOST:PORT…].")] = ""
    kafka_options: Annotated[KafkaOptions, _help("TLS and SASL of Kafka's clients, as JSON.")] = KafkaOptions()
    topic_partitions: Annotated[int, _help("Partitions of new topics.", 1)] = 4
    topic_replication: Annotated[int, _help("Replicas of new topics; 0: the brokers' default.", 0)] = 0
    database: Annotated[str, _help("PostgreSQL or CockroachDB, postgresql://USER@HOST:PORT/NAME.")] = ""
    database_password: Annotated[Secret | None, _help("The database's password, secret://….")] = None
    database_loader: Annotated[str, _help("Its address for what jobs write; default: database.")] = ""
    database_loader_password: Annotated[Secret | None, _help("The loader's password, secret://….")] = None
    database_reader: Annotated[str, _help("Its address for what only reads; default: database.")] = ""
    database_reader_password: Annotated[Secret | None, _help("The reader's password, secret://….")] = None
    database_statement: Annotated[float, _help("Bound of a statement that loads or reads; 0: none.", 0)] = 120.0
    database_lock: Annotated[float, _help("Bound of the wait for a lock; 0: none.", 0)] = 30.0
    database_maintenance: Annotated[
        float, _help("Bound of a statement that migrates or refreshes views; 0: none.", 0)
    ] = 3600.0
    expansion_service: Annotated[str, _help("Beam's Java expansion service, HOST:PORT.")] = ""
    store: Annotated[str, _help("Object store for raw files: a folder, s3://… or gs://….")] = "var/store"
    store_endpoint: Annotated[str, _help("S3 or GCS server other than the cloud's own.")] = ""
    chains: Annotated[str, _help("File that changes and extends the bundled chains.toml.")] = ""
    masters: Annotated[str, _help("Store of masters snapshots: a folder, s3://… or gs://….")] = "var/masters"
    masters_cache: Annotated[str, _help("Folder for fetched snapshots; default: a temporary one.")] = ""
    masters_every: Annotated[float, _help("How often a worker looks for a newer snapshot.", 1)] = 30.0
    group: Annotated[str, _help("Kafka consumer group of the jobs.")] = "gogobe-ingest"
    commit_batches: Annotated[int, _help("Maximum of batches in one commit.", 1)] = 20
    commit_seconds: Annotated[float, _help("Maximum wait of a batch for its commit.", 0)] = 2.0
    views_every: Annotated[float, _help("Minimum between two refreshes of the materialized views.", 1)] = 10.0
    price_days: Annotated[int, _help("Age in days at which a price counts as old.", 1)] = 30
    fetch_attempts: Annotated[int, _help("Attempts at a download before its file waits.", 1)] = 2
    fetch_deadline: Annotated[float, _help("Bound of one attempt, lookup to last byte.", 1)] = 120.0
    fetch_total: Annotated[float, _help("Bound of all attempts at one file.", 1)] = 300.0
    fetch_threads: Annotated[int, _help("Downloads at once in one worker.", 1)] = 8
    fetch_per_host: Annotated[int, _help("Downloads at once from a host that no chain has.", 1)] = 4
    fetch_wait: Annotated[float, _help("How long a bundle waits for a download.", 0.1)] = 2.0
    fetch_slow_threads: Annotated[int, _help("Downloads at once that take longer, in one worker.", 1)] = 16
    fetch_give_up: Annotated[float, _help("How long a file may wait for its portal.", 1)] = 86_400.0
    fetch_hosts: Annotated[
        str, _help("Hosts and networks to download from, not public or not of a portal.")
    ] = ""
    fetch_folders: Annotated[str, _help("Folders and buckets that files may be copied from.")] = ""
    fetch_insecure_redirects: Annotated[bool, _help("Whether a redirect may lead from https to http.")] = False
    fetch_user_agent: Annotated[str, _help("User-Agent of downloads; some portals want a browser's.")] = (
        "gogobe"
    )
    crawl_lease: Annotated[float, _help("How long an agent counts as alive after a heartbeat.", 2)] = 30.0
    crawl_listings: Annotated[int, _help("Maximum of concurrent listings of an agent.", 1)] = 64
    crawl_keep_days: Annotated[int, _help("Days for which files that no portal lists are known.", 14)] = 30

    keep_history_days: Annotated[int, _help("Days for price history and ended prices; 0: no bound.", 0)] = 730
    keep_promotions_days: Annotated[int, _help("Days for promotions after their end; 0: no bound.", 0)] = 90
    keep_ledger_days: Annotated[int, _help("Days for files in the ledger; 0: no bound.", 0)] = 90
    keep_letters_days: Annotated[int, _help("Days for dead letters; 0: no bound.", 0)] = 90
    keep_raw_days: Annotated[int, _help("Days for raw files in the store; 0: no bound.", 0)] = 30
    keep_masters_days: Annotated[int, _help("Days for masters snapshots; 0: no bound.", 0)] = 30
    keep_topic_days: Annotated[int, _help("Days for messages of topics; 0: no bound.", 0)] = 7

    @property
    def kafka_address(self) -> KafkaAddress:
        """The bootstrap servers with the clients' options."""
        return KafkaAddress(self.kafka, self.kafka_options)

    @property
    def database_address(self) -> DatabaseAddress:
        """The database for its owner, who migrates and refreshes views. The password is resolved at each
        connection; timeouts are those of its sessions."""
        return self._address(self.database, self.database_password)

    @property
    def loader_address(self) -> DatabaseAddress:
        """The database for what writes rows: jobs, agents, decisions of people."""
        if self.database_loader:
            return self._address(self.database_loader, self.database_loader_password)
        return self.database_address

    @property
    def reader_address(self) -> DatabaseAddress:
        """The database for what only reads."""
        if self.database_reader:
            return self._address(self.database_reader, self.database_reader_password)
        return self.database_address

    @property
    def database_roles(self) -> DatabaseRoles:
        """The loader and the reader, where they are other users than the owner."""
        owner = DatabaseAddress(self.database).user
        loader, reader = DatabaseAddress(self.database_loader).user, DatabaseAddress(self.database_reader).user
        return DatabaseRoles(
            Role(loader, self.database_loader_password) if loader not in ("", owner) else None,
            Role(reader, self.database_reader_password) if reader not in ("", owner, loader) else None,
        )

    def as_loader(self) -> Settings:
        """The settings of a job, which loads and does nothing else: without the owner's and the reader's
        addresses."""
        loader = self.loader_address
        alone: dict[str, Any] = {"database": loader.url, "database_password": loader.password}
        for name in DATABASES[1:]:
            alone |= {name: "", f"{name}_password": None}
        return msgspec.structs.replace(self, **alone)

    def _address(self, url: str, password: Secret | None) -> DatabaseAddress:
        timeouts = Timeouts(self.database_statement, self.database_lock)
        maintenance = Timeouts(self.database_maintenance, self.database_lock)
        return DatabaseAddress(url, password, timeouts, maintenance, self.price_days)


def stack_settings(stack: StackAddresses, var: Path) -> Settings:
    """The settings of a job on a local stack, with object store and masters in folders below `var`."""
    return Settings(
        kafka=stack.kafka,
        database=stack.database,
        database_loader=stack.database_loader,
        database_reader=stack.database_reader,
        expansion_service=stack.expansion_service,
        store=str(var.absolute() / "store"),
        masters=str(var.absolute() / "masters"),
    )


class SettingDescription(msgspec.Struct, frozen=True):
    """What forms and pages show of one setting. `minimum`: of a number."""

    name: str
    group: str
    help: str
    type: type
    default: Any
    minimum: float | None

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"{PREFIX}{self.name.upper()}"


def described_settings() -> list[SettingDescription]:
    """All settings in their order. Raises KeyError for a name whose first word has no group."""
    hints = get_type_hints(Settings, include_extras=True)
    return [_described(field, *get_args(hints[field.name])) for field in msgspec.structs.fields(Settings)]


def _described(field: msgspec.structs.FieldInfo, hint: Any, meta: msgspec.Meta) -> SettingDescription:
    plain = next((one for one in get_args(hint) if one is not type(None)), hint)
    minimum = None if meta.ge is None else float(meta.ge)
    group = GROUPS[field.name.partition("_")[0]]
    return SettingDescription(field.name, group, str(meta.description), plain, field.default, minimum)
