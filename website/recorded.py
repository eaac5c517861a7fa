"""A job's steps as the code has them: the recipe is run over a pipeline that records what it is given.

Recorded for each step, in the order of the recipe: types of its elements, the settings that it was made with,
dead letters and metrics of its code. Kafka's steps are stand-ins: Beam asks a Java service to build those.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MethodType, ModuleType
from typing import Any, Final
from unittest import mock

import apache_beam as beam

from gogobe.pipelines import connectors
from gogobe.pipelines import job as jobs
from gogobe.pipelines.catalogue import JOBS
from gogobe.settings import Settings
from gogobe.transforms.dead_letters import DeadLetters

# Modules that serve every step: their metrics and letters are not those of one.
SHARED: Final = ("coders", "dead_letters", "outages", "steps")
PACKAGE: Final = "gogobe.transforms."
DEPTH: Final = 4
BYTES: Final = tuple[bytes, bytes]


@dataclass
class Step:
    """A step of a job. `outputs`: the type of the elements by tag, the main output under an empty one."""

    label: str
    summary: str
    inputs: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    settings: list[str] = field(default_factory=list)
    stage: str = ""
    reasons: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)


class _Settings:
    """Settings that record which of them are read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read: dict[str, None] = {}

    def __getattr__(self, name: str) -> Any:
        found = inspect.getattr_static(Settings, name)
        if isinstance(found, property):
            return found.fget(self) if found.fget else None
        if inspect.isfunction(found):
            return MethodType(found, self)
        self._read[name] = None
        return getattr(self._settings, name)

    def take(self) -> list[str]:
        """What was read since the last call."""
        read, self._read = list(self._read), {}
        return read


class _Job(jobs.Job):
    """A job that keeps nothing it has made of its settings, so that every step reads its own."""

    store = property(vars(jobs.Job)["store"].func)
    snapshots = property(vars(jobs.Job)["snapshots"].func)
    chains = property(vars(jobs.Job)["chains"].func)


class _Pipeline(beam.Pipeline):
    """A pipeline that notes which settings were read before each of its steps."""

    def __init__(self, settings: _Settings) -> None:
        super().__init__()
        self._settings = settings
        self.settings_of: dict[str, list[str]] = {}

    def apply(self, transform: Any, pvalueish: Any = None, label: str | None = None) -> Any:
        if len(self.transforms_stack) == 1 and label is not None:
            self.settings_of[label] = self._settings.take()
        return super().apply(transform, pvalueish, label)


class _Read(beam.PTransform):
    """The records of a topic as (key, value), from the consumer group's offsets on."""

    def __init__(self, topic: str, *_arguments: Any, **_named: Any) -> None:
        super().__init__()
        self.topic = topic

    def expand(self, begin: Any) -> Any:
        return begin | beam.Create([], reshuffle=False).with_output_types(BYTES)


class _Write(beam.PTransform):
    """(key, value) records into a topic."""

    def __init__(self, topic: str, *_arguments: Any, **_named: Any) -> None:
        super().__init__()
        self.topic = topic

    def expand(self, records: Any) -> Any:
        return records | beam.Map(len).with_output_types(int)


@cache
def steps_of(name: str) -> list[Step]:
    """The steps of a job, in the order of its recipe."""
    settings = _Settings(Settings(kafka="k:1", database="postgresql://d/d", expansion_service="e:1"))
    pipeline = _Pipeline(settings)
    with mock.patch.multiple(connectors, ReadTopic=_Read, WriteTopic=_Write):
        JOBS[name].build(_Job(pipeline, settings))  # type: ignore[arg-type]
    (root,) = pipeline.transforms_stack
    return [_step(node, pipeline.settings_of[node.full_label]) for node in root.parts]


def _step(node: Any, settings: list[str]) -> Step:
    transform = node.transform
    step = Step(node.full_label, _summary(transform), settings=settings)
    topic = getattr(transform, "topic", None)
    if isinstance(transform, _Read):
        step.inputs, step.outputs = [f"topic {topic}"], {"": _name(BYTES)}
        return step
    step.inputs = sorted({_name(one.element_type) for one in node.inputs if hasattr(one, "element_type")})
    if isinstance(transform, _Write):
        step.outputs = {"": f"topic {topic}"}
        return step
    step.outputs = {"" if tag is None else tag: _name(one.element_type) for tag, one in node.outputs.items()}
    nodes = _code_of(type(transform))
    step.metrics = sorted(set(_metrics(nodes)))
    step.reasons = list(dict.fromkeys(_reasons(nodes, sys.modules[type(transform).__module__])))
    stages = {one.stage for one in _letters(node)}
    step.stage = ", ".join(sorted(stages))
    return step


def _summary(transform: Any) -> str:
    """The first sentence of a step's docstring; of Beam's own steps nothing."""
    is_own = type(transform).__module__.startswith(("gogobe.", __package__ or "website"))
    text = inspect.getdoc(type(transform)) or "" if is_own else ""
    return text.split("\n\n")[0]


def _name(hint: Any) -> str:
    """A type without its modules."""
    text = hint.__name__ if isinstance(hint, type) else str(hint)
    plain = re.sub(r"<class '([\w.]+)'>", r"\1", text)
    return re.sub(r"(?:\w+\.)+(\w+)", r"\1", plain).replace("Tuple", "tuple").replace("List", "list")


def _code_of(transform: type) -> list[ast.AST]:
    """The definitions that a step's class uses, its own first: in its module, and in modules of steps that it
    imports from. Other steps are not followed."""
    found: dict[tuple[str, str], ast.AST] = {}
    waiting = [(transform.__module__, transform.__name__)]
    while waiting:
        module, name = waiting.pop(0)
        is_step = module.startswith(PACKAGE) and module.removeprefix(PACKAGE) not in SHARED
        if not is_step or (module, name) in found or (found and _is_step(module, name)):
            continue
        defined, imported = _names_of(sys.modules[module])
        if name in imported:
            waiting.append((imported[name], name))
        elif name in defined:
            found[module, name] = defined[name]
            used = {node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)}
            waiting += [(module, one) for one in sorted(used)]
    return list(found.values())


def _names_of(module: ModuleType) -> tuple[dict[str, ast.AST], dict[str, str]]:
    """The functions and classes of a module, and the names that it imports, with their modules."""
    defined: dict[str, ast.AST] = {}
    imported: dict[str, str] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            imported |= {one.name: node.module or "" for one in node.names}
    return defined, imported


def _is_step(module: str, name: str) -> bool:
    value = getattr(sys.modules[module], name, None)
    return isinstance(value, type) and issubclass(value, beam.PTransform)


def _metrics(nodes: list[ast.AST]) -> Iterator[str]:
    """The metrics that code counts, as NAMESPACE/NAME."""
    for call in _calls(nodes):
        if ast.unparse(call.func).startswith("Metrics.") and len(call.args) == 2:
            yield "/".join(_text(one) for one in call.args)


def _reasons(nodes: list[ast.AST], module: ModuleType) -> Iterator[str]:
    """The reasons of dead letters that code gives; reasons that an error brings are not known here."""
    for call in _calls(nodes):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "letter" and len(call.args) >= 2:
            reason = call.args[1]
            if isinstance(reason, ast.Constant):
                yield str(reason.value)
            elif isinstance(reason, ast.Name) and isinstance(found := vars(module).get(reason.id), str):
                yield found


def _calls(nodes: list[ast.AST]) -> Iterator[ast.Call]:
    yield from (one for node in nodes for one in ast.walk(node) if isinstance(one, ast.Call))


def _text(node: ast.expr) -> str:
    """A text of the code; what is filled in at run time is written large: `waiting.REASON`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(one) for one in node.values)
    if isinstance(node, ast.FormattedValue):
        node = node.value
    return ast.unparse(node).rpartition(".")[2].upper()


def _letters(node: Any) -> Iterator[DeadLetters]:
    """The makers of dead letters that a step's code holds."""
    for part in (node, *node.parts):
        if part is not node:
            yield from _letters(part)
    yield from _within(node.transform, DEPTH)


def _within(value: Any, depth: int) -> Iterator[DeadLetters]:
    if isinstance(value, DeadLetters):
        yield value
        return
    held: Mapping[str, Any] = getattr(value, "__dict__", {})
    is_own = type(value).__module__.startswith(("gogobe.", "apache_beam.transforms."))
    if depth and is_own:
        for one in list(held.values()):
            yield from _within(one, depth - 1)
