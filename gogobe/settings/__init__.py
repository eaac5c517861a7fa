"""Settings from flags, the environment, one TOML file and defaults, in this order of precedence.

Every setting has one name: `views_every` in `gogobe.toml`, `GOGOBE_VIEWS_EVERY` in the environment,
`--views-every` as a flag of the CLI and `--views_every` as an option of the pipelines. In the file, settings
with the same first word may share a table (`[views]` with `every = 5`). `kafka_options` is a table
everywhere: JSON in one variable or flag, or a variable for each option
(`GOGOBE_KAFKA_OPTIONS_SASL_PASSWORD`).

A secret is given as a reference (`secret://file/PATH`, …) anywhere, or as its value in the environment or the
file. A flag does not accept the value: the process list and the job's options show flags to others.

`definitions.py` has the settings themselves, `sources.py` reads and merges their sources, `checks.py` refuses
invalid and contradictory values.
"""

from gogobe.settings.checks import SettingsError, refuse_secret_values
from gogobe.settings.definitions import (
    DATABASES,
    SettingDescription,
    Settings,
    described_settings,
    stack_settings,
)
from gogobe.settings.sources import load_settings

__all__ = [
    "DATABASES",
    "SettingDescription",
    "Settings",
    "SettingsError",
    "described_settings",
    "load_settings",
    "refuse_secret_values",
    "stack_settings",
]
