"""One of Beam's Java services in the foreground, as the only program of a container.

    python -m gogobe.local.serve expansion PORT --java-worker PORT
    python -m gogobe.local.serve java-worker PORT

The pool of Python workers is `python -m gogobe.local.worker_pool PORT`. All listen on 127.0.0.1: they are
side-cars of the process that uses them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gogobe.local.java import expansion_command, java_worker_command
from gogobe.local.processes import StackError


def command_of(arguments: Sequence[str], var: Path) -> tuple[list[str], dict[str, str]]:
    """The command line of a service and its environment; `var/java` has its jars. Raises StackError."""
    parser = argparse.ArgumentParser(prog="python -m gogobe.local.serve", description=__doc__)
    services = parser.add_subparsers(dest="service", required=True)
    expansion = services.add_parser("expansion")
    expansion.add_argument("--java-worker", type=int, required=True)
    for service in (expansion, services.add_parser("java-worker")):
        service.add_argument("port", type=int)
    given = parser.parse_args(arguments)
    jars = var.absolute() / "java" / "expansion"
    if given.service == "java-worker":
        return java_worker_command(jars, given.port)
    config = Path(tempfile.mkdtemp(prefix="gogobe-")) / "expansion.yaml"
    return expansion_command(jars, config, given.port, given.java_worker), {}


if __name__ == "__main__":
    try:
        command, environment = command_of(sys.argv[1:], Path(os.environ.get("GOGOBE_VAR", "var")))
    except StackError as error:
        sys.exit(str(error))
    os.execvpe(command[0], command, {**os.environ, **environment})
