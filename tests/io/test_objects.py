"""The object store as a folder, in S3 and in GCS."""

import contextlib
import hashlib
import logging
import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from gogobe.io import objects
from gogobe.io.objects import PART_BYTES, ObjectStore, OutsideStoreError, content_key, store_errors
from gogobe.local.processes import free_ports
from tests.conftest import GATEWAY, Bucket
from tests.faults import answering, cut_off


def test_a_key_is_chain_and_content():
    assert content_key("shufersal", "ab12", "PriceFull1-2.GZ") == "raw/shufersal/ab/ab12.gz"
    assert content_key("shufersal", "ab12", "PriceFull1-2") == "raw/shufersal/ab/ab12"


@pytest.mark.parametrize("suffix", ["x" * 9, "x" * 300, "g\0z", "gz\n", "g z", "א"])
def test_a_suffix_that_is_none_is_not_kept(suffix: str):
    assert content_key("shufersal", "ab12", f"PriceFull1-2.{suffix}") == "raw/shufersal/ab/ab12"


@pytest.fixture(params=["folder", "s3", "gs", *(["gateway"] if GATEWAY else [])])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return ObjectStore(f"file://{tmp_path}/store")
    bucket: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return ObjectStore(f"{bucket.url}/prefix", bucket.endpoint)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source"
    file.write_bytes(b"prices of the day")
    return file


def test_put_then_open(store: ObjectStore, source: Path):
    path = store.put("raw/a/b", source)
    assert path.endswith("/raw/a/b")
    with store.open(path) as file:
        assert file.read(6) == b"prices"
        assert file.seek(-3, 2) == 14
        assert file.read() == b"day"


def test_a_taken_key_is_left_alone(store: ObjectStore, source: Path):
    path = store.put("k", source)
    source.write_bytes(b"PRICES OF THE DAY")
    assert store.put("k", source) == path
    with store.open(path) as file:
        assert file.read() == b"prices of the day"


def test_an_old_object_of_a_bucket_is_renewed(bucket: Bucket, source: Path, monkeypatch: pytest.MonkeyPatch):
    """Its age is that of its latest put: retention must not remove a file that was announced again."""
    store = ObjectStore(bucket.url, bucket.endpoint)
    path = store.put("k", source)
    monkeypatch.setattr(objects, "RENEWED_AFTER", timedelta(0))
    source.write_bytes(b"PRICES OF THE DAY")
    assert store.put("k", source) == path
    with store.open(path) as file:
        assert file.read() == b"PRICES OF THE DAY"


def test_an_object_of_another_size_is_put_again(store: ObjectStore, source: Path):
    """What a full disk or a lost machine left behind is not what the key says."""
    whole = source.read_bytes()
    for left in (b"", b"pri"):
        source.write_bytes(left)
        path = store.put("k", source)
        source.write_bytes(whole)
        assert store.put("k", source) == path
        with store.open(path) as file:
            assert file.read() == whole


def test_a_file_of_several_parts_comes_back_whole(store: ObjectStore, source: Path):
    content = random.Random(7).randbytes(2 * PART_BYTES + 12_345)
    source.write_bytes(content)
    path = store.put("raw/large", source)
    with store.open(path) as file:
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(content).digest()
        assert file.seek(PART_BYTES - 3) == PART_BYTES - 3
        assert file.read(6) == content[PART_BYTES - 3 : PART_BYTES + 3]


def test_puts_of_one_key_at_once_leave_it_whole(store: ObjectStore, source: Path):
    """Two workers that download one file: the key is its content's, so both put the same bytes."""
    content = random.Random(8).randbytes(3 << 20)
    source.write_bytes(content)
    with ThreadPoolExecutor(4) as pool:
        (path,) = set(pool.map(lambda _: store.put("raw/k", source), range(8)))
    with store.open(path) as file:
        assert file.read() == content


def test_a_missing_object_is_file_not_found(store: ObjectStore):
    with pytest.raises(FileNotFoundError):
        store.open(store.path_of("none"))


def test_a_store_is_reachable(store: ObjectStore, source: Path):
    store.put("k", source)
    assert store.is_reachable()


def test_a_store_is_gone(tmp_path: Path, bucket: Bucket):
    assert not ObjectStore(str(tmp_path / "gone")).is_reachable()
    assert not ObjectStore(f"{bucket.scheme}://no-such-bucket/prefix", bucket.endpoint).is_reachable()


def test_a_server_other_than_the_cloud_s_own_is_only_asked_what_it_knows(
    store: ObjectStore, source: Path, caplog: pytest.LogCaptureFixture
):
    """Left to itself, gcsfs asks for the kind of the bucket over gRPC, for up to a minute at every call."""
    caplog.set_level(logging.WARNING, "gcsfs")
    with store.open(store.put("k", source)) as file:
        assert file.read() == source.read_bytes()
    assert store.is_reachable()
    assert [one.getMessage() for one in caplog.records if one.name.startswith("gcsfs")] == []


@pytest.mark.usefixtures("impatient")
def test_a_put_that_is_cut_off_leaves_nothing(bucket: Bucket, tmp_path: Path):
    source = tmp_path / "source"
    source.write_bytes(bytes(3 * PART_BYTES))  # of several parts
    with cut_off(bucket.endpoint, after=4 << 20) as endpoint, pytest.raises(store_errors()):
        ObjectStore(bucket.url, endpoint).put("k", source)
    store = ObjectStore(bucket.url, bucket.endpoint)
    with pytest.raises(FileNotFoundError):
        store.open(store.path_of("k"))
    with store.open(store.put("k", source)) as file:
        assert file.read() == source.read_bytes()


def test_an_object_in_a_folder_is_never_seen_in_part(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
):
    """A copy that dies half way leaves nothing, and nothing is at the address before all of it is there."""
    store = ObjectStore(str(tmp_path / "store"))
    copy = shutil.copyfile

    def dies_half_way(_source: Path, part: Path) -> None:
        Path(part).write_bytes(source.read_bytes()[:5])
        assert not Path(store.path_of("k")).exists()
        raise OSError("the machine is stopped")

    monkeypatch.setattr(shutil, "copyfile", dies_half_way)
    with pytest.raises(OSError, match="is stopped"):
        store.put("k", source)
    assert [one for one in (tmp_path / "store").rglob("*") if one.is_file()] == []
    monkeypatch.setattr(shutil, "copyfile", copy)
    with store.open(store.put("k", source)) as file:
        assert file.read() == source.read_bytes()


@pytest.mark.usefixtures("impatient")
def test_a_store_out_of_reach_has_not_lost_the_object(bucket: Bucket):
    (port,) = free_ports(1)
    store = ObjectStore(bucket.url, f"http://127.0.0.1:{port}")
    with pytest.raises(store_errors()) as raised:
        store.open(store.path_of("k"))
    assert not isinstance(raised.value, FileNotFoundError)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.usefixtures("impatient")
def test_a_store_that_refuses_the_credentials_has_not_lost_the_object(
    bucket: Bucket, source: Path, status: int
):
    with answering(status) as endpoint:
        store = ObjectStore(bucket.url, endpoint)
        with pytest.raises(store_errors()) as opened:
            store.open(store.path_of("k"))
        with pytest.raises(store_errors()) as put:
            store.put("k", source)
        assert not any(isinstance(one.value, FileNotFoundError) for one in (opened, put))
        with contextlib.suppress(*store_errors()):
            assert not store.is_reachable()


def test_only_a_folder_s_objects_are_files_of_this_machine(tmp_path: Path, source: Path, bucket: Bucket):
    folder = ObjectStore(str(tmp_path / "store"))
    path = folder.put("raw/k", source)
    assert folder.local_path(path) == path == str(tmp_path / "store" / "raw" / "k")
    assert ObjectStore(bucket.url, bucket.endpoint).local_path(f"{bucket.url}/k") is None


WAYS_OUT = (
    "{root}/../secret",
    "{root}/raw/../../secret",
    "{root}/raw/../x",
    "{root}/./x",
    "{root}//x",
    "{root}/",
    "{root}",
    "{root}-other/secret",
    "{root}/%2e%2e/secret",
    "{root}/%2e%2e%2fsecret",
    "{root}/%252e%252e/secret",
    "{root}/..%5c..%5csecret",
    "{root}/..\\secret",
    "{root}/x\0y",
    "{root}/x%00",
    "{root}/x\n",
    "{root}/x?versionId=1",
    "{root}/x#y",
    "{root}/\ud800",
    "{root}/" + "x/" * 200 + "x",
    "/etc/passwd",
    "etc/passwd",
    "raw/x",
    "file:///etc/passwd",
    "s3://other-bucket/secret",
    "gs://other-bucket/secret",
    "https://portal.example/secret",
    "",
    "..",
    "~/x",
)


@pytest.mark.parametrize("way", WAYS_OUT)
def test_an_address_leads_to_no_other_place(store: ObjectStore, source: Path, tmp_path: Path, way: str):
    (tmp_path / "secret").write_text("secret")
    root = store.put("k", source).removesuffix("/k")
    with pytest.raises(OutsideStoreError, match="is no address of an object in"):
        store.open(way.replace("{root}", root))
    assert store.local_file(way.replace("{root}", root)) is None


@pytest.mark.parametrize(
    "key",
    ["../k", "/k", "a/../k", "a//k", "", ".", "..", "a/./k", "a\0", "a\\k", "%2e%2e/k", "a/%2Fk", "k" * 300],
)
def test_a_key_leads_to_no_other_place(store: ObjectStore, source: Path, tmp_path: Path, key: str):
    for use in (store.path_of, lambda one: store.put(one, source)):
        with pytest.raises(OutsideStoreError):
            use(key)
    assert {one.name for one in tmp_path.iterdir()} <= {"source", "gcloud"}


@pytest.mark.parametrize(
    "key", ["raw/c/ab/ab12.gz", "raw/שופרסל/ab/ab", "a.b/..c/d..", "a%b", "a b/c'd", "x" * 200]
)
def test_a_plain_key_is_one(store: ObjectStore, source: Path, key: str):
    with store.open(store.put(key, source)) as file:
        assert file.read() == source.read_bytes()


def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path, source: Path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    store = ObjectStore(str(tmp_path / "store"))
    inside = store.put("raw/k", source)
    folder = tmp_path / "store"
    (folder / "file").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path / "outside")
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "again").symlink_to(inside)
    for name in ("file", "folder/k"):
        with pytest.raises(OutsideStoreError, match="a link leads out of"):
            store.open(str(folder / name))
        assert store.local_file(str(folder / name)) is None
    with pytest.raises(FileNotFoundError):
        store.open(str(folder / "circle"))
    with store.open(str(folder / "again")) as file:
        assert file.read() == source.read_bytes()
    with pytest.raises(PermissionError, match="a link leads out of"):
        store.put("folder/k", source)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_store_may_itself_be_reached_by_a_link(tmp_path: Path, source: Path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk")
    store = ObjectStore(str(tmp_path / "store"))
    path = store.put("raw/k", source)
    assert path == str(tmp_path / "store" / "raw" / "k")
    assert store.local_file(path) == tmp_path / "disk" / "raw" / "k"
    with store.open(path) as file:
        assert file.read() == source.read_bytes()


def test_a_folder_in_the_store_is_no_object(store: ObjectStore, source: Path):
    folder = store.put("raw/a/k", source).removesuffix("/k")
    with pytest.raises(FileNotFoundError):
        store.open(folder)


def test_a_hint_is_a_file_of_a_folder_store(tmp_path: Path, source: Path, bucket: Bucket):
    store = ObjectStore(str(tmp_path / "store"))
    path = store.put("raw/k", source)
    assert store.local_file(path) == Path(path)
    for other in (None, str(source), "/etc/passwd", f"{tmp_path}/store/raw", f"{tmp_path}/store/none"):
        assert store.local_file(other) is None
    assert ObjectStore(bucket.url, bucket.endpoint).local_file(path) is None
