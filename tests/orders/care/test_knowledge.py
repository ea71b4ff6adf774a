"""The knowledge base: two people publish, every version stays, Chinese is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from mingdan.orders.care import index
from mingdan.orders.care.knowledge import KnowledgeBase
from mingdan.orders.care.model import KbTerm, KbVersion
from mingdan.orders.care.terms import asked, marks, snippet, terms
from mingdan.orders.store import OrderStore
from tests.orders.care.support import COUNTER, LI, WANG, draft, published, refused
from tests.orders.support import at

LIBRARY = [
    draft(),
    draft(
        "lost-sim",
        title="手机丢失后的挂失与补卡",
        body="请先拨打10086挂失停机，再携带身份证到营业厅补卡。补卡工本费10元。",
        keywords="丢卡 遗失",
    ),
    draft(
        "spam-report",
        title="垃圾短信举报",
        body="将垃圾短信内容转发至12321，或拨打10086投诉骚扰电话。",
        category="complaints",
    ),
    draft(
        "roaming", title="国际漫游资费", body="Roaming in Europe: data 30元/天, call 1.99元/分钟。"
    ),
    draft(
        "lost-sim-reply",
        kind="template",
        title="补卡答复",
        body="尊敬的{name}，您的号码{number}已完成补卡，旧卡即时失效。{name}，感谢来电。",
    ),
]


@pytest.fixture
def base(store: OrderStore) -> KnowledgeBase:
    return KnowledgeBase(store)


@pytest.fixture
def library(base: KnowledgeBase) -> KnowledgeBase:
    for each in LIBRARY:
        published(base, each)
    return base


def refs(base: KnowledgeBase, query: str, days: float = 1, **options: object) -> list[str]:
    hits = base.search(query, at=at(days), **options)  # type: ignore[arg-type]
    return [hit.version.article_ref for hit in hits]


def test_a_life_of_an_article(base: KnowledgeBase) -> None:
    first = base.write(draft(), actor=LI, at=at(0))
    assert (first.version_no, first.state, first.maker) == (1, "draft", "li.na")
    assert refs(base, "停机保号") == []
    assert base.publish("suspend-fee", actor=WANG, at=at(1)).checker == "wang.wei"
    base.write(draft(body="每月收取保号费3元。"), actor=WANG, at=at(2))
    assert base.show("suspend-fee", at=at(3)).version_no == 1, "a draft is not in force"
    base.publish("suspend-fee", actor=LI, at=at(4), version_no=2)
    assert base.show("suspend-fee", at=at(5)).body == "每月收取保号费3元。"
    assert base.show("suspend-fee", at=at(3)).version_no == 1, "what was in force then"
    base.retire("suspend-fee", actor=LI, at=at(6))
    assert refused(lambda: base.show("suspend-fee", at=at(7))) == "kb_no_version"
    assert refs(base, "保号费", 7) == []
    assert refs(base, "保号费", 5) == ["suspend-fee"], "searched as of then"
    assert [v.state for v in base.history("suspend-fee")] == ["retired", "retired"]
    assert base.show("suspend-fee", at=at(7), version_no=1).body.startswith("用户申请")
    assert refs(base, "保号费", 7, every_version=True) == ["suspend-fee", "suspend-fee"]


def test_publishing_takes_two_people(base: KnowledgeBase) -> None:
    base.write(draft(), actor=LI, at=at(0))
    for alias in ("li.na", "LI.NA ", "ｌｉ.ｎａ"):
        same = replace(WANG, name=alias)
        assert refused(lambda who=same: base.publish("suspend-fee", actor=who, at=at(1))) == (
            "same_person"
        )
    assert base.history("suspend-fee")[0].state == "draft"


def test_the_database_itself_wants_two_people(base: KnowledgeBase, store: OrderStore) -> None:
    base.write(draft(), actor=LI, at=at(0))
    for change in (
        "state = 'published'",
        "state = 'published', checker = maker, published_at = drafted_at",
    ):
        with pytest.raises(DatabaseError), store.database.writing() as connection:
            connection.execute(text(f"UPDATE kb_version SET {change}"))  # noqa: S608


def test_a_draft_replaces_a_draft_and_a_stale_look_is_refused(base: KnowledgeBase) -> None:
    base.write(draft(), actor=LI, at=at(0))
    assert base.write(draft(), actor=LI, at=at(1)).version_no == 1, "the same words: a retry"
    base.write(draft(body="另一种说法"), actor=LI, at=at(2))
    history = base.history("suspend-fee")
    assert [(v.version_no, v.state) for v in history] == [(1, "retired"), (2, "draft")]
    stale = refused(lambda: base.publish("suspend-fee", actor=WANG, at=at(3), version_no=1))
    assert stale == "kb_no_version"
    base.publish("suspend-fee", actor=WANG, at=at(3), version_no=2)
    again = base.publish("suspend-fee", actor=WANG, at=at(9), version_no=2)
    assert again.published_at == at(3)
    assert base.retire("suspend-fee", actor=WANG, at=at(4)).state == "retired"
    assert refused(lambda: base.retire("suspend-fee", actor=WANG, at=at(5))) == "kb_no_version"


def test_writers_at_the_same_time_take_turns(store: OrderStore, url: str) -> None:
    def write(number: int) -> int:
        with OrderStore.open(url) as own:
            what = draft(body=f"第{number}种说法")
            return KnowledgeBase(own).write(what, actor=LI, at=at(0)).version_no

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, range(4))) == [1, 2, 3, 4]
    states = [each.state for each in KnowledgeBase(store).history("suspend-fee")]
    assert states == ["retired", "retired", "retired", "draft"]


def test_a_counter_may_write_but_not_publish(base: KnowledgeBase) -> None:
    base.write(draft(), actor=COUNTER, at=at(0))
    called = lambda: base.publish("suspend-fee", actor=COUNTER, at=at(1))  # noqa: E731
    assert refused(called) == "business_not_permitted"


FOUND = {
    "停机保号怎么收费": "suspend-fee",
    "保号费": "suspend-fee",
    "挂失补卡": "lost-sim",
    "我的手机丢了怎么补卡": "lost-sim",
    "遗失": "lost-sim",
    "垃圾短信": "spam-report",
    "12321": "spam-report",
    "１２３２１": "spam-report",
    "roaming": "roaming",
    "EUROPE data": "roaming",
    "漫": "roaming",
}


def test_chinese_is_found_without_blanks(library: KnowledgeBase) -> None:
    assert {query: refs(library, query)[0] for query in FOUND} == FOUND


def test_what_is_not_there_is_not_found(library: KnowledgeBase) -> None:
    for query in ("宽带光猫", "xyzzy", "……", "%", "机停", "' OR 3=3 --"):
        assert refs(library, query) == []


def test_a_search_can_be_narrowed(library: KnowledgeBase) -> None:
    assert set(refs(library, "补卡")) == {"lost-sim", "lost-sim-reply"}
    assert refs(library, "补卡", kind="template") == ["lost-sim-reply"]
    assert refs(library, "10086", category="complaints") == ["spam-report"]
    assert len(refs(library, "补卡", limit=1)) == 1


def test_a_hit_shows_where_the_words_stand(library: KnowledgeBase) -> None:
    hit = library.search("补卡工本费", at=at(1))[0]
    marked = "".join(hit.snippet[start:end] for start, end in hit.marks)
    assert "补卡工本费" in marked


def test_a_template_becomes_a_reply(library: KnowledgeBase) -> None:
    values = {"name": "张女士", "number": "138******00 {name} \\1"}
    reply = library.reply("lost-sim-reply", values, at=at(1))
    assert reply == (
        "尊敬的张女士，您的号码138******00 {name} \\1已完成补卡，旧卡即时失效。张女士，感谢来电。"
    )
    for wrong in ({}, {"name": "张"}, values | {"extra": "x"}):
        assert refused(lambda given=wrong: library.reply("lost-sim-reply", given, at=at(1))) == (
            "kb_slots"
        )
    assert refused(lambda: library.reply("suspend-fee", {}, at=at(1))) == "kb_slots"


BAD = [
    {"article_ref": "Suspend Fee"},
    {"article_ref": "suѕpend"},  # a Cyrillic letter
    {"article_ref": "ａｂｃ"},
    {"article_ref": "x'; DROP TABLE kb_article; --"},
    {"article_ref": "a" * 65},
    {"title": ""},
    {"title": "长" * 201},
    {"title": "a\nb"},
    {"body": "  \n "},
    {"body": "长" * 20_001},
    {"body": "a\x00b"},
    {"body": "\ud800"},
    {"kind": "poem"},
    {"category": "分类"},
    {"keywords": "a\x07"},
]


def test_bad_input_leaves_nothing(base: KnowledgeBase, store: OrderStore) -> None:
    for bad in BAD:
        what = replace(draft(), **bad)
        assert refused(lambda what=what: base.write(what, actor=LI, at=at(0))) == "invalid_value"
    with store.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM kb_article")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM entity_event")).scalar() == 0


def test_sql_is_only_words(base: KnowledgeBase) -> None:
    nasty = "'; DROP TABLE kb_version; -- %_\\ \"$1"
    published(base, draft(title=nasty, body=nasty, keywords=nasty))
    assert base.search("DROP TABLE", at=at(1))[0].version.title == nasty


def test_an_unknown_article_is_refused(base: KnowledgeBase) -> None:
    for call in (base.history, lambda ref: base.show(ref, at=at(0))):
        assert refused(lambda call=call: call("nothing")) == "kb_unknown"
    assert refused(lambda: base.publish("nothing", actor=WANG, at=at(0))) == "kb_unknown"
    base.write(draft(), actor=LI, at=at(0))
    other = draft(kind="template")
    assert refused(lambda: base.write(other, actor=LI, at=at(1))) == "invalid_value"


def test_the_index_can_be_made_again(library: KnowledgeBase, store: OrderStore) -> None:
    query = select(KbTerm.term, KbTerm.version_id, KbTerm.in_head, KbTerm.in_body)
    with store.database.writing() as connection:
        before = set(connection.execute(query).all())
        assert len(before) > 100
        connection.execute(text("DELETE FROM kb_term WHERE version_id > 2"))
        assert index.rebuild(connection) == len(LIBRARY)
        assert set(connection.execute(query).all()) == before
        sizes = connection.execute(select(func.min(KbVersion.terms))).scalar_one()
    assert sizes > 10
    assert refs(library, "遗失") == ["lost-sim"]


def test_both_databases_rank_alike(library: KnowledgeBase) -> None:
    hits = library.search("补卡停机", at=at(1))
    assert [(hit.version.article_ref, hit.score) for hit in hits] == [
        ("lost-sim", 2.302873),
        ("lost-sim-reply", 1.566342),
        ("suspend-fee", 1.509429),
    ]


TEXT = st.text(
    alphabet=st.sampled_from("停机保号补卡费aB1２ﬁ，。 \n𠮷かナ한"), min_size=1, max_size=40
)


@settings(max_examples=80, deadline=None)
@given(TEXT, TEXT, TEXT)
def test_whatever_stands_in_a_text_is_found_in_it(before: str, middle: str, after: str) -> None:
    """Every term of a phrase is a term of any text with the phrase set off by blanks."""
    whole = f"{before} {middle} {after}"
    assert set(asked(middle)) <= set(terms(whole))
    wanted = frozenset(asked(middle))
    found = marks(whole, wanted)
    assert bool(found) == bool(wanted)
    assert all(0 <= start < end <= len(whole) for start, end in found)
    passage, places = snippet(whole, wanted, width=20)
    assert len(passage) <= 22
    assert all(0 <= start < end <= len(passage) for start, end in places)
    assert bool(places) == bool(found)
