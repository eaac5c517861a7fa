"""What a running stack writes down about itself, in `stack.json` of its folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gogobe.local.addresses import StackAddresses, StackPorts


class StackState(msgspec.Struct, frozen=True):
    """A stack that was started and not stopped. `kept`: it runs on without an owner; `jars`: the folder of its
    Java parts."""

    addresses: StackAddresses
    ports: StackPorts
    kept: bool
    jars: str


def state_file(var: Path) -> Path:
    """The file of the state."""
    return var / "stack.json"


def read_state(var: Path) -> StackState | None:
    """The state of the stack over a folder; None when none was started, or the file was cut short."""
    try:
        return msgspec.json.decode(state_file(var).read_bytes(), type=StackState)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def write_state(var: Path, state: StackState) -> None:
    """Writes the state. Raises OSError."""
    part = state_file(var).with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    part.replace(state_file(var))
