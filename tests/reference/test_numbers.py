"""The numbering plan: forms of numbers, their kind and who issued them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.engine import statement
from mingdan.reference.numbers import digest_id, home_operator, identify, issuing_operator


@pytest.mark.parametrize(
    ("text", "number", "kind"),
    [
        ("13800138000", 8613800138000, "mobile"),
        ("8613800138000", 8613800138000, "mobile"),
        ("+86 138-0013-8000", 8613800138000, "mobile"),
        ("008613800138000", 8613800138000, "mobile"),
        ("013800138000", 8613800138000, "mobile"),
        ("１３８００１３８０００", 8613800138000, "mobile"),
        # nobody has been issued 154: a spoofed caller still is one mobile number
        ("15400138000", 8615400138000, "mobile"),
        ("14401234567890"[:13], 861440123456789, "mobile"),
        ("861440123456789", 861440123456789, "mobile"),
        ("075512345678", 8675512345678, "fixed"),
        ("8675512345678", 8675512345678, "fixed"),
        ("01065551234", 861065551234, "fixed"),
        ("+861065551234", 861065551234, "fixed"),
        ("62345678", 62345678, "fixed"),
        ("10690001234", 10690001234, "service"),
        ("8610690001234", 10690001234, "service"),
        ("106900012345678", 106900012345678, "service"),
        ("4008123456", 4008123456, "service"),
        ("1252013800138000", 1252013800138000, "service"),
        ("10086", 10086, "short"),
        ("110", 110, "short"),
        ("95588", 95588, "short"),
        ("12345678", 12345678, "short"),
        ("0085212345678", 85212345678, "international"),
        ("+447911123456", 447911123456, "international"),
        ("447911123456", 447911123456, "international"),
    ],
)
def test_forms_of_a_number_become_one(text: str, number: int, kind: str) -> None:
    assert identify(text) == (number, kind)


def test_what_is_not_all_digits_becomes_a_negative_digest() -> None:
    assert identify("ICBC-bank") == (-digest_id("ICBCbank"), "opaque")
    assert identify("ICBC-bank")[0] < 0


def test_a_number_longer_than_a_bigint_becomes_a_negative_digest() -> None:
    port = "106" + "9" * 17
    assert identify(port) == (-digest_id(port), "service")


@given(st.text(min_size=1, max_size=24))
def test_any_text_is_a_bigint_of_a_known_kind(text: str) -> None:
    number, kind = identify(text)
    assert -(2**63) < number < 2**63
    assert kind in {"mobile", "fixed", "service", "short", "international", "opaque"}


@given(st.integers(min_value=13 * 10**9, max_value=2 * 10**10 - 1))
def test_every_way_to_write_a_mobile_number_is_the_same_number(national: int) -> None:
    forms = [f"{national}", f"86{national}", f"+86{national}", f"0086{national}", f"0{national}"]
    assert {identify(form) for form in forms} == {(86 * 10**11 + national, "mobile")}


def test_the_issuing_operator_is_that_of_the_longest_prefix() -> None:
    assert issuing_operator(8613400138000) == "china_mobile"
    assert issuing_operator(8613490138000) == "china_telecom"
    assert issuing_operator(8617030138000) == "china_mobile"
    assert issuing_operator(861440123456789) == "china_mobile"
    assert issuing_operator(8615400138000) is None


def test_the_home_network_of_a_sim_is_read_from_its_imsi() -> None:
    assert home_operator(460001234567890) == "china_mobile"
    assert home_operator(460111234567890) == "china_telecom"
    assert home_operator(454001234567890) is None


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(statement("macros"))
        yield opened


@settings(deadline=None)
@given(text=st.text(max_size=40).filter(lambda text: "\0" not in text))
def test_the_lake_digests_as_python_does(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    rows = connection.execute("SELECT digest_id($text)", {"text": text}).fetchall()
    assert rows == [(digest_id(text),)]
