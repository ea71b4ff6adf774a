"""Every set of rules ever used, by its hash.

Here: keeping a rule document in the lake's artefacts and finding it again, so
that a label of last year can be explained by the rules of last year. Not here:
what a document says (`ruleset.py`, `mingdan/classes/policy.py`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mingdan.errors import LakeError
from mingdan.lake import Lake
from mingdan.rules.ruleset import canonical, digest


def keep(lake: Lake, document: object) -> str:
    """Store a document once; returns its SHA-256. Raises LakeError if the disk refuses."""
    name = digest(document)
    path = _path(lake, name)
    if not path.exists():
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(canonical(document))
            partial.replace(path)
        except OSError as error:
            raise LakeError(f"cannot keep the rules {name[:12]}: {error}") from error
    return name


def recall(lake: Lake, name: str) -> dict[str, Any]:
    """The document with this SHA-256. Raises LakeError if it is gone or was changed."""
    try:
        document: dict[str, Any] = json.loads(_path(lake, name).read_bytes())
    except (OSError, ValueError) as error:
        raise LakeError(f"the rules {name[:12]} are not in the archive: {error}") from error
    if digest(document) != name:
        raise LakeError(f"the rules {name[:12]} in the archive are not what their name says")
    return document


def _path(lake: Lake, name: str) -> Path:
    return lake.root / "_artifacts" / "rules" / name / "rules.json"
