#!/bin/sh
# What `make nightly` does once the environment stands: an operator if there is
# none, the nights before the last, the last night through Dagster, a summary.
set -eu
LOGS='"loggers": {"console": {"config": {"log_level": "INFO"}}}'

if [ ! -e "$MINGDAN_DATA/lake" ]; then
    "$BIN/mingdan" simulate --subscribers "$SUBSCRIBERS" --days "$DAYS" --seed "$SEED" \
        --out "$MINGDAN_DATA"
elif [ -n "${ASKED:-}" ]; then
    echo "Keeping the operator in $MINGDAN_DATA: SUBSCRIBERS, DAYS and SEED are for a new one" \
        "(another MINGDAN_DATA, or make clean first)."
fi

# A simulated operator gets demonstration keys, so that its release can be fetched and read.
DEMO="$MINGDAN_DATA.demo-keys/bank_demo"
if [ -e "$MINGDAN_DATA/truth" ] && [ ! -e "$MINGDAN_DATA/secrets/channels" ]; then
    "$BIN/mingdan" list keys demo bank_demo
fi

DAY=${DAY:-$("$BIN/mingdan" runs --due)}
MISSED=$("$BIN/mingdan" runs --missed-before "$DAY")
if [ -n "$MISSED" ]; then
    FIRST=${MISSED%% *}
    LAST=${MISSED##* }
    echo "Making up the nights $FIRST to $LAST ..."
    "$BIN/dg" launch --job history --config-json \
        "{$LOGS, \"ops\": {\"make_history\": {\"config\": {\"first\": \"$FIRST\", \"last\": \"$LAST\"}}}}"
fi

echo "The night of $DAY ..."
"$BIN/dg" launch --job nightly --partition "$DAY" --config-json "{$LOGS}"
"$BIN/mingdan" runs "$DAY"

if [ -e "$DEMO" ] && [ -e "$MINGDAN_DATA/truth" ]; then
    echo "The partner of the demonstration takes its release and signs a receipt:"
    "$BIN/mingdan" partner sync --home "$DEMO"
    mkdir -p "$MINGDAN_DATA/landing/receipts/bank_demo"
    "$BIN/mingdan" partner receipt --home "$DEMO" \
        --out "$MINGDAN_DATA/landing/receipts/bank_demo/receipt.json"
fi
