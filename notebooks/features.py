"""Features as of the last night: what there is, how it is spread, your own question in SQL.

Here: looking at the feature store under pseudonyms. Not here: computing
features, and any number or name of a person.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Mingdan: features")


@app.cell
def _():
    import marimo as mo

    from assets.plots import strips
    from mingdan.features import store
    from mingdan.features.distributions import bands, drawn
    from mingdan.night import Night
    from mingdan.settings import Settings

    # a week of nights; name `columns` where subscriptions are many
    db = store.connect(Night(Settings()), nights=7)
    return bands, db, drawn, mo, strips


@app.cell
def _(db, mo):
    [(day, subscriptions)] = db.sql(
        "SELECT date, count(*) FROM features GROUP BY date ORDER BY date DESC LIMIT 1"
    ).fetchall()
    mo.md(f"""
    # Features of {day}

    {subscriptions:,} subscriptions with usage in the last 30 days. `features` and `catalogue` are
    tables of `db`: ask them in SQL in a cell of your own. A `subject` is a keyed pseudonym, the
    same on every day; nobody can be looked up by it.
    """)
    return day, subscriptions


@app.cell
def _(db, mo):
    mo.vstack([mo.md("## What there is"), mo.ui.table(db.sql("FROM catalogue").pl())])


@app.cell
def _(bands, day, db, drawn, mo, strips, subscriptions):
    families = {}
    for name, family in drawn().items():
        families.setdefault(family, []).append(name)
    today = db.sql("FROM features WHERE date = $day", params={"day": day}).pl()
    spreads = bands(today.select(list(drawn())))
    mo.vstack(
        [
            mo.md("## How it is spread"),
            *(
                mo.md(
                    strips(
                        spreads.filter(spreads["name"].is_in(names)),
                        names,
                        rows=subscriptions,
                        title=family,
                    )
                )
                for family, names in families.items()
            ),
        ]
    )
    return (spreads,)


@app.cell
def _(db, mo):
    unlike = db.sql("""
        SELECT
            today.subject,
            coalesce(earlier.sms_out_1d, 0) AS sms_out_then,
            today.sms_out_1d,
            today.tried_once_share_1d,
            today.text_response_rate_30d,
            today.text_entropy_1d
        FROM features AS today
        LEFT JOIN features AS earlier
            ON today.subject = earlier.subject
            AND earlier.date = (SELECT min(date) FROM features)
        WHERE today.date = (SELECT max(date) FROM features)
        ORDER BY today.sms_out_1d - coalesce(earlier.sms_out_1d, 0) DESC, today.subject
        LIMIT 10
    """).pl()
    mo.vstack(
        [mo.md("## Who sends much more than on the first of these nights"), mo.ui.table(unlike)]
    )
    return (unlike,)


if __name__ == "__main__":
    app.run()
