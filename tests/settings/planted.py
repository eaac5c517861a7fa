"""Settings with two secrets."""

from pathlib import Path

PLANTED = "planted-7f3a"


def with_secrets(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """Settings with two secrets' values, one in the environment and one in the file."""
    file = tmp_path / "gogobe.toml"
    file.write_text(
        'kafka = "k:1"\n[kafka_options]\nsecurity.protocol = "SASL_SSL"\n"sasl.mechanism" = "PLAIN"\n'
        f'sasl.username = "u"\nsasl.password = "{PLANTED}"\n'
    )
    return {"GOGOBE_DATABASE": f"postgresql://u:{PLANTED}@h/db"}, file
