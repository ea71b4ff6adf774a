"""What our static pages share: one look, tables that fit a telephone, no script.

Here: the page around its parts, and tables. Not here: what a page says (`health.py`,
`entry_page.py`). Whatever is put into a table is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222;
overflow-wrap:anywhere}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}
th,td{border:1px solid #ccc;padding:.25rem .6rem;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.ok{color:#1a6b34}.bad{color:#a11d1d;font-weight:600}
svg{background:#f7f7f7;border:1px solid #ddd;max-width:100%;height:auto}
@media(max-width:45rem){
body{margin:1rem auto}
table,tbody,tr,td{display:block}
tr.names{display:none}
tr{border:1px solid #ccc;margin-bottom:.5rem}
td,td.n{border:0;text-align:left;padding:.1rem .6rem}
td[data-name]::before{content:attr(data-name) ": ";color:#555}
}
"""
"""On a narrow screen a row is a block of its own and a cell a line with its name."""


def page(title: str, *parts: str) -> str:
    """A whole page, one self-contained text; `parts` are HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


def table(names: Sequence[str], rows: Iterable[Sequence[object]], text: int = 1) -> str:
    """Rows as a table; numbers stand to the right from column `text` on."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(
            _cell(name, value, at >= text)
            for at, (name, value) in enumerate(zip(names, row, strict=True))
        )
        + "</tr>"
        for row in rows
    )
    shown = body or f'<tr><td colspan="{len(names)}">nothing</td></tr>'
    named = f'<tr class="names">{head}</tr>' if any(names) else ""
    return f"<table>{named}{shown}</table>"


def _cell(name: str, value: object, may_be_number: bool) -> str:
    named = f' data-name="{escape(name)}"' if name else ""
    if may_be_number and isinstance(value, int):
        return f'<td class="n"{named}>{value:,}</td>'
    return f"<td{named}>{escape(str(value))}</td>"
