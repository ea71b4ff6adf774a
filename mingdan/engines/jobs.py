"""What an engine is asked to make: statements, their inputs, their outputs.

Here: the words a stage describes its work in (`Read`, `Result`, `Job`) and that
work resolved to files (`Work`). Not here: how it is carried out (`duck`, `local`,
`spark`) and what a statement says (`sql/`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from mingdan.tables import Table

Parameters = Mapping[str, object]


@dataclass(frozen=True)
class Read:
    """Days of a table as an input; the statement sees it under `alias`.

    The view has the table's columns plus `date` (and `bucket`). An input of a
    bucketed table is cut to the bucket being run unless `whole` is set.
    """

    table: Table
    days: Sequence[date]
    alias: str = ""
    whole: bool = False

    @property
    def name(self) -> str:
        return self.alias or self.table.name


@dataclass(frozen=True)
class Result:
    """A statement's rows kept under `name` for the statements after it.

    `over` names the one input, or an earlier result over it, whose rows the
    statement maps each by itself (lookups in other inputs apart): the result of a
    piece of that input is a piece of the result, so many machines may share it.
    """

    name: str
    statement: str
    parameters: Parameters = field(default_factory=dict)
    over: str = ""


@dataclass(frozen=True)
class Job:
    """The statements that make one day of one or more tables.

    `shared` results are made once, from whole inputs, and read by every
    statement after them; `each` likewise, but for every bucket, from inputs cut
    to it. `outputs` (table, statement) go to the lake.
    """

    inputs: Sequence[Read]
    outputs: Sequence[tuple[Table, str]]
    shared: Sequence[Result] = ()
    each: Sequence[Result] = ()

    @property
    def statements(self) -> set[str]:
        """Names of all statements of the job."""
        kept = {result.statement for result in (*self.shared, *self.each)}
        return kept | {name for _, name in self.outputs}


@dataclass(frozen=True)
class Source:
    """Parquet files a statement sees under a name.

    `table` None: a kept result, seen as it was written. `rows`: only these of the
    one file, counted from 0, the last excluded.
    """

    name: str
    table: Table | None
    files: tuple[str, ...]
    rows: tuple[int, int] | None = None


@dataclass(frozen=True)
class Task:
    """What one process makes by itself, with all it needs to know: a bucket or a piece.

    In this order: `kept` results (name, text, values) for itself, `stored` ones as files
    for other tasks, `outputs` (table, text, values) as files for the lake.
    """

    sources: tuple[Source, ...]
    kept: tuple[tuple[str, str, Parameters], ...] = ()
    stored: tuple[tuple[str, str, Parameters], ...] = ()
    outputs: tuple[tuple[Table, str, Parameters], ...] = ()
    bucket: int | None = None


@dataclass(frozen=True)
class Comparison:
    """One bucket of a day made again by DuckDB in this process: which tables differ."""

    bucket: int
    tables: tuple[str, ...]
    differing: tuple[str, ...]


def named(name: str, texts: Sequence[str]) -> bool:
    """Whether any of the statements names it."""
    return any(re.search(rf"\b{name}\b", text) for text in texts)


@dataclass(frozen=True)
class Work:
    """A job of one day, its inputs listed: what is read from here on cannot change.

    `listed` has the files of every input by bucket (under None: all of them);
    listing costs milliseconds, so it is done once a job and not once a bucket.
    """

    job: Job
    day: date
    texts: Mapping[str, str]
    values: Parameters
    listed: Mapping[str, Mapping[int | None, tuple[str, ...]]]

    def sources(self, texts: Sequence[str], bucket: int | None) -> tuple[Source, ...]:
        """The inputs these statements name, cut to the bucket (None: whole)."""
        found = []
        for read in self.job.inputs:
            if not named(read.name, texts):
                continue
            cut = bucket if read.table.bucketed and not read.whole else None
            found.append(Source(read.name, read.table, self.listed[read.name].get(cut, ())))
        return tuple(found)

    def task(self, bucket: int | None, shared: Sequence[Source] = ()) -> Task:
        """The outputs of one bucket (None: those without buckets); `shared` results beside."""
        bucketed = bucket is not None
        values = {**self.values, "bucket": bucket}
        kept = tuple(
            (result.name, self.texts[result.statement], {**values, **result.parameters})
            for result in (self.job.each if bucketed else ())
        )
        outputs = tuple(
            (table, self.texts[name], values)
            for table, name in self.job.outputs
            if table.bucketed == bucketed
        )
        texts = [text for _, text, _ in (*kept, *outputs)]
        needed = (source for source in shared if named(source.name, texts))
        sources = (*self.sources(texts, bucket), *needed)
        return Task(sources, kept=kept, outputs=outputs, bucket=bucket)

    def task_texts(self) -> list[str]:
        """The statements of all tasks: what they name must be there until they are done."""
        kept = (result.statement for result in self.job.each)
        return [self.texts[name] for name in (*kept, *(name for _, name in self.job.outputs))]

    @property
    def unbucketed(self) -> bool:
        """Whether any output has no buckets."""
        return not all(table.bucketed for table, _ in self.job.outputs)
