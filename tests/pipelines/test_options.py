"""Options of the pipelines: which flags are known, and what the settings come to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from gogobe.chains.load import load_chains
from gogobe.io.kafka.options import KafkaOptions
from gogobe.io.objects import ObjectStore
from gogobe.pipelines.catalogue import JOBS
from gogobe.pipelines.download import DOWNLOAD_JOB
from gogobe.pipelines.fetching import download_config, fetch_settings
from gogobe.pipelines.options import (
    BUNDLE_ELEMENTS,
    flags_of,
    flink_flags,
    refuse_unknown,
    restricted,
    settings_of,
)
from gogobe.secrets import Secret, SecretError
from gogobe.settings import Settings, SettingsError

ADDRESSES = ("127.0.0.1:1", "127.0.0.1:2")


@pytest.mark.parametrize(
    ("flags", "named", "nearest"),
    [
        (["--views_evry=3"], "--views_evry", "--views_every"),
        (["--streaming", "--paralelism", "4"], "--paralelism", "--parallelism"),
        (["--job-name=x"], "--job-name", "--job_name"),
        (["--savepointpath=s3://b/c"], "--savepointpath", "--savepoint_path"),
        (["--no_use_public_ip"], "--no_use_public_ip", "--no_use_public_ips"),
        (["-streaming"], "-streaming", "--streaming"),
    ],
)
def test_an_unknown_flag_is_named_with_the_nearest(flags: list[str], named: str, nearest: str):
    with pytest.raises(SettingsError) as refused:
        refuse_unknown(flags)
    assert str(refused.value).startswith(f"{named}: ")
    assert str(refused.value).endswith(f"did you mean {nearest}?")


@pytest.mark.parametrize("word", ["--xyzzyxyzzy=1", "flink"])
def test_what_is_like_no_flag_is_refused_too(word: str):
    with pytest.raises(SettingsError, match=f"^{word.partition('=')[0]}: .*`gogobe run ingest --help`"):
        refuse_unknown(["--streaming", word])


def test_an_invalid_value_is_reported_with_its_flag():
    with pytest.raises(SettingsError, match=r"--parallelism: invalid int value: 'many'"):
        refuse_unknown(["--parallelism=many"])


@pytest.mark.parametrize(
    "flags",
    [
        [],
        [*flink_flags(*ADDRESSES, "name"), *flags_of(Settings(kafka="k:1", database="postgresql://d/x"))],
        ["--runner=FlinkRunner", "--flink_master=h:1", "--savepoint_path=/s", "--state_backend", "rocksdb",
         "--object_reuse", "--load_balance_bundles"],
        ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://t", "--no_use_public_ips",
         "--worker_machine_type", "n1", "--dataflow_service_options=a", "--sdk_container_image=i", "--update"],
        ["--runner", "DirectRunner", "--direct_num_workers=2", "--experiments=a", "--experiments", "b"],
    ],
    ids=["none", "gogobe's", "Flink's", "Dataflow's", "Beam's"],
)  # fmt: skip
def test_what_gogobe_beam_and_their_runners_know_passes(flags: list[str]):
    refuse_unknown(flags)


def test_beam_knows_the_savepoint_that_a_job_begins_with(caplog: pytest.LogCaptureFixture):
    PipelineOptions(["--savepoint_path=/s"]).get_all_options()
    assert caplog.text == ""


@pytest.mark.slow
def test_the_pipelines_command_ends_with_a_message_and_no_traceback():
    ended = subprocess.run(
        [sys.executable, "-m", "gogobe.pipelines.ingest", "--comit_batches=3"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith("did you mean --commit_batches?")
    assert "Traceback" not in ended.stderr


def test_folders_are_absolute_because_workers_have_another_working_folder():
    settings = settings_of(PipelineOptions(["--store=files"]))
    assert settings.store == str(Path("files").absolute())
    assert settings.masters == str(Path("var/masters").absolute())
    clouds = settings_of(PipelineOptions(["--store=s3://b/files", "--masters=gs://b/masters"]))
    assert (clouds.store, clouds.masters) == ("s3://b/files", "gs://b/masters")


def test_downloads_take_their_settings():
    flags = flags_of(
        Settings(
            kafka="k:1",
            database="postgresql://d/x",
            fetch_attempts=2,
            fetch_deadline=7,
            fetch_total=9,
            fetch_hosts="127.0.0.1:8080, portal.internal",
            fetch_insecure_redirects=True,
            fetch_user_agent="Mozilla/5.0",
        )
    )
    refuse_unknown(flags)
    fetched = fetch_settings(settings_of(PipelineOptions(flags)))
    assert (fetched.attempts, fetched.deadline, fetched.total) == (2, 7.0, 9.0)
    assert fetched.insecure_redirects
    assert fetched.headers == {"User-Agent": "Mozilla/5.0"}
    assert fetched.allowed.refusal("h", "127.0.0.1", 8080) is None
    assert fetched.allowed.refusal("h", "127.0.0.1", 8081) is not None
    assert fetched.allowed.refusal("portal.internal", "10.0.0.1", 443) is None


def test_downloads_go_to_public_addresses_and_stay_with_tls_by_default():
    fetched = fetch_settings(Settings())
    assert fetched.allowed.refusal("localhost", "127.0.0.1", 80) is not None
    assert not fetched.insecure_redirects


def test_hosts_that_cannot_be_read_are_a_setting_that_is_wrong():
    with pytest.raises(SettingsError, match=r"^fetch_hosts: http://portal: neither a host"):
        fetch_settings(Settings(fetch_hosts="http://portal"))


def test_a_bundle_waits_for_all_its_downloads_at_once():
    """As docs/pipeline.md says: a bundle's downloads wait together, so it ends soon after `fetch_wait`."""
    plan = download_config(Settings(), ObjectStore("/store"), load_chains()).plan
    assert plan.pending >= max(kind.bundle_elements for kind in JOBS.values())
    assert plan.wait == Settings().fetch_wait == 2.0
    bounded = download_config(Settings(), ObjectStore("/store"), load_chains(), is_bounded=True).plan
    assert bounded.wait == Settings().fetch_total


def test_bundles_are_short_and_finished_before_a_checkpoint():
    """An element may be a whole file and a bundle holds up the checkpoint; and a bundle that is finished after it
    would have its offsets committed before its rows."""
    flags = flink_flags("127.0.0.1:1", "127.0.0.1:2", "job")
    assert "--finish_bundle_before_checkpointing" in flags
    given = dict(flag.split("=") for flag in flags if "=" in flag)
    assert int(given["--max_bundle_size"]) == BUNDLE_ELEMENTS <= 8
    longer = flink_flags("127.0.0.1:1", "127.0.0.1:2", "job", bundle_elements=DOWNLOAD_JOB.bundle_elements)
    assert "--max_bundle_size=8" in longer
    assert int(given["--max_bundle_time_mills"]) <= 1000
    assert int(given["--checkpointing_interval"]) <= 5000


def test_secrets_are_references_in_the_options_and_come_back_as_such(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("GOGOBE_")]:
        monkeypatch.delenv(name)
    options = KafkaOptions(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username='a "b"',
        sasl_password=Secret("secret://env/KAFKA_PASSWORD"),
    )
    settings = Settings(
        kafka="k:1",
        kafka_options=options,
        database="postgresql://u@h/db?sslmode=require",
        database_password=Secret("secret://file/run/secrets/database"),
        store="/store",
        masters="/masters",
    )
    flags = flags_of(settings)
    assert "--database_password=secret://file/run/secrets/database" in flags
    assert settings_of(PipelineOptions(flags)) == settings
    value = msgspec.structs.replace(settings, database_password=Secret.of_value("planted-7f3a"))
    with pytest.raises(SecretError, match="given as a value"):
        flags_of(value)


def test_a_job_s_options_have_the_loader_s_address_alone():
    settings = Settings(
        kafka="k:1",
        database="postgresql://owner@h/db",
        database_password=Secret("secret://env/OWNER"),
        database_loader="postgresql://loader@h/db",
        database_loader_password=Secret("secret://env/LOADER"),
        database_reader="postgresql://reader@h/db",
        database_reader_password=Secret("secret://env/READER"),
    )
    options = PipelineOptions(flags_of(settings))
    job = restricted(options, settings)
    shown = str(options.get_all_options(drop_default=True, retain_unknown_options=True))
    assert "owner" not in shown.lower()
    assert "reader" not in shown.lower()
    assert settings_of(options).database_address == job.database_address == settings.loader_address
    alone = Settings(kafka="k:1", database="postgresql://one@h/db")
    options = PipelineOptions(flags_of(alone))
    assert restricted(options, alone) == alone
    assert settings_of(options).database == alone.database


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        ([], {"GOGOBE_DATABASE": "postgresql://u:planted-7f3a@h/db"}, "database_password is a value, which would"),
        (["--database=postgresql://u:planted-7f3a@h/db"], {}, "flags: database_password is a value"),
    ],
)  # fmt: skip
def test_a_password_stops_the_pipelines_command_before_it_is_sent_anywhere(
    flags: list[str], environment: dict[str, str], message: str
):
    ended = subprocess.run(
        [sys.executable, "-m", "gogobe.pipelines.ingest", *flags],
        capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(message)
    assert "planted-7f3a" not in ended.stderr + ended.stdout
