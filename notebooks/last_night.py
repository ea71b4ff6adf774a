"""Last night: volumes, classes, new entries with their reasons, found vs planted.

Here: looking at the lake's own tables. Not here: computing anything the
pipeline should have computed, and any number or name of a person.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Mingdan: last night")


@app.cell
def _():
    import marimo as mo
    import polars as pl
    from matplotlib.figure import Figure

    from mingdan.classes.tables import LABEL_EVENTS, LABELS
    from mingdan.guiding.tables import GUIDED_USAGE, REJECTED_USAGE
    from mingdan.lake import Lake
    from mingdan.lists.tables import LIST_ENTRIES
    from mingdan.settings import Settings
    from mingdan.simulator.score import score
    from mingdan.summary import nights, summarise

    settings = Settings()
    lake = Lake(settings.lake)
    run = nights(lake)
    day = run[-1]
    night = summarise(settings, lake, day)
    return (
        Figure,
        GUIDED_USAGE,
        LABELS,
        LABEL_EVENTS,
        LIST_ENTRIES,
        REJECTED_USAGE,
        day,
        lake,
        mo,
        night,
        pl,
        run,
        score,
        settings,
    )


@app.cell
def _(day, mo, night):
    mo.md(f"""
    # The night of {day}

    {night.received:,} records in, {night.quarantined:,} quarantined, {night.guided:,} guided to
    {night.active_subscriptions:,} active subscriptions of {night.active_parties:,} parties;
    {night.ordinary_parties:,} parties are ordinary (普通用户). {night.listed:,} entries are on the
    joint list.
    """)


@app.cell
def _(Figure, GUIDED_USAGE, LIST_ENTRIES, REJECTED_USAGE, lake, run):
    def volumes():
        """Guided and rejected records and the list's length, night by night."""
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        records, entries = figure.subplots(1, 2)
        labels = [f"{held:%m-%d}" for held in run]
        bottom = [0] * len(run)
        for table, colour in ((GUIDED_USAGE, "#2f6f9f"), (REJECTED_USAGE, "#b5403f")):
            rows = lake.rows_by_day(table, run[0], run[-1])
            heights = [rows.get(held, 0) for held in run]
            records.bar(labels, heights, bottom=bottom, color=colour, label=table.name)
            bottom = [low + high for low, high in zip(bottom, heights, strict=True)]
        records.legend(fontsize=7, frameon=False)
        listed = lake.rows_by_day(LIST_ENTRIES, run[0], run[-1])
        entries.plot(labels, [listed.get(held, 0) for held in run], color="#d9822b")
        for axes, title in ((records, "Usage records"), (entries, "Entries on the joint list")):
            axes.set_title(title, fontsize=9, loc="left")
            axes.tick_params(labelsize=7)
            axes.set_xticks(range(0, len(run), max(1, len(run) // 8)))
        return figure

    volumes()


@app.cell
def _(mo, night):
    mo.vstack([mo.md("## What came in"), mo.ui.table(night.files, selection=None, page_size=20)])


@app.cell
def _(mo, night):
    mo.vstack([mo.md("## Who is what"), mo.ui.table(night.classes, selection=None, page_size=20)])


@app.cell
def _(LABEL_EVENTS, day, lake, mo, pl):
    entries = (
        lake.scan(LABEL_EVENTS, [day])
        .filter(pl.col("class_code") == "blacklist")
        .select(
            "action", "reason_code", "level", "subject_type", "subject_id", "source",
            "source_ref", "evidence",
        )
        .collect()
    )  # fmt: skip
    mo.vstack(
        [
            mo.md("## New and withdrawn black labels (黑名单), with their reasons"),
            mo.ui.table(entries, selection=None, page_size=20),
        ]
    )
    return (entries,)


@app.cell
def _(LABELS, day, lake, mo, pl):
    suppressed = (
        lake.scan(LABELS, [day])
        .filter(pl.col("suppressed_by").is_not_null())
        .select("class_code", "reason_code", "state", "subject_id", "suppressed_by", "source_ref")
        .collect()
    )
    mo.vstack(
        [
            mo.md("## What protection (红名单) keeps from taking effect; the evidence stays"),
            mo.ui.table(suppressed, selection=None, page_size=20),
        ]
    )
    return (suppressed,)


@app.cell
def _(day, mo, score, settings):
    planted = score(settings, day) if (settings.data / "truth").exists() else None
    mo.md("") if planted is None else mo.vstack(
        [
            mo.md(f"""
    ## Found vs planted

    {planted.found} of {planted.planted} malicious senders found;
    {planted.recall_by_third_day or 0:.0%} by their third active day,
    {planted.watch_fpr:.1e} false positives per benign active subscription in watch,
    published precision {planted.published_precision or 0:.0%}.
    """),
            mo.ui.table(planted.archetypes, selection=None, page_size=20),
        ]
    )
    return (planted,)


if __name__ == "__main__":
    app.run()
