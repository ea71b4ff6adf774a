"""The one shuffle on one machine: a statement's rows split by bucket as they come.

Here: rows leaving the database in batches, each sorted by bucket and put on disk as it lies in
memory, so that a bucket reads its slices and nothing else. Not here: which results are split
(`local`) and the shuffle of many machines (`spark`).

Sorting a whole day by bucket costs more than everything else done to it; a batch is small enough
to be sorted by one number where it lies.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa

BATCH_ROWS = 1 << 16
"""Rows split at a time: they stay in the processor's cache."""


class Scattered:
    """Rows with a column `bucket`, in a file of their own; those without a bucket apart."""

    def __init__(self, path: Path, buckets: int) -> None:
        self.path = path
        self.buckets = buckets
        self._held: defaultdict[int, list[int]] = defaultdict(list)
        """Which of the file's batches hold a bucket's rows."""

    def take(self, reader: pa.RecordBatchReader) -> None:
        """Split all its batches. Raises OSError if the disk refuses."""
        written = 0
        with pa.OSFile(str(self.path), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as file:
            for batch in reader:
                bucket = batch.column("bucket").fill_null(self.buckets).to_numpy()
                ordered = batch.take(pa.array(np.argsort(bucket, kind="stable")))
                first = 0
                for index, rows in enumerate(np.bincount(bucket).tolist()):
                    if rows:
                        file.write_batch(ordered.slice(first, rows))
                        self._held[index].append(written)
                        written, first = written + 1, first + rows

    def of(self, bucket: int | None) -> pa.Table:
        """The rows of a bucket (None: those that have none), in the order they came."""
        index = self.buckets if bucket is None else bucket
        with pa.OSFile(str(self.path), "rb") as source:
            file = pa.ipc.open_file(source)
            batches = [file.get_batch(number) for number in self._held[index]]
            return pa.Table.from_batches(batches, file.schema)
