"""How variations are told apart and named."""

import pandas as pd

import braze_frames as bf

from ..payloads import (
    ID,
    OTHER_ID,
    cells,
    day,
    email,
    entry,
    labels,
    response,
    two_days,
)

TWIN = ID[:8] + "-ffff-4d2b-9a26-000000000003"


def test_a_variation_is_labelled_by_its_newest_name_on_all_days():
    assert labels(two_days([entry("old", ID)], [entry("new", ID)])) == ["new", "new"]
    later = two_days([entry("old", ID)], [entry("new", ID)])
    later["data"].reverse()
    assert labels(later) == ["new", "new"]


def test_the_newest_day_that_has_a_name_decides():
    for nameless in (
        entry(None, ID),
        entry("", ID),
        {"variation_name": None} | entry(None, ID),
    ):
        assert labels(two_days([entry("old", ID)], [nameless])) == ["old", "old"]


def test_the_last_entry_decides_where_the_newest_day_has_two_names():
    assert labels(email(entry("one", ID, sent=1), entry("two", ID, sent=2))) == ["two"]


def test_names_are_those_of_the_channel():
    messages = {"email": [entry("mail", ID)], "sms": [entry("text", ID)]}
    assert labels(response(day(messages=messages))) == ["mail", "text"]


def test_a_variation_without_a_name_is_labelled_by_its_id():
    for name in (None, ""):
        assert labels(email(entry(name, ID, sent=1))) == [ID]


def test_a_variation_without_an_id_is_its_name():
    found = two_days([entry("A", "", sent=1)], [entry("A", None, sent=2)])
    frame = bf.read_braze_series(found)
    assert labels(found) == ["A", "A"]
    assert frame["variation_api_id"].isna().all()


def test_a_variation_without_both_is_numbered_by_its_place_in_that_days_list():
    found = [entry(None, None, sent=1), entry("A", ID, sent=2), entry("", "", sent=3)]
    source = response(day(messages={"email": found, "sms": found[2:]}))
    frame = bf.read_braze_series(source)
    rows = {place[1:]: row["sent"] for place, row in cells(frame)}
    assert rows == {
        ("email", "<unnamed-1>"): 1,
        ("email", "A"): 2,
        ("email", "<unnamed-3>"): 3,
        ("sms", "<unnamed-1>"): 3,
    }


def test_places_of_unnamed_variations_count_in_the_list_of_the_key_as_spelt():
    messages = {
        "apple_push": [entry(sent=1)],
        "ios_push": [entry(sent=2), entry(sent=4)],
    }
    frame = bf.read_braze_series(response(day(messages=messages)))
    rows = {place[1:]: row["sent"] for place, row in cells(frame)}
    assert rows == {("ios_push", "<unnamed-1>"): 3, ("ios_push", "<unnamed-2>"): 4}


def test_of_two_names_on_a_day_the_one_under_the_channels_own_spelling_labels():
    for own, other in (("ios_push", "apple_push"), ("whats_app", "whatsapp")):
        messages = {own: [entry("A", ID, sent=1)], other: [entry("B", ID, sent=2)]}
        for order in (messages, dict(reversed(messages.items()))):
            frame = bf.read_braze_series(response(day(messages=order)))
            assert cells(frame[["sent"]]) == [
                ((pd.Timestamp("2026-03-01"), own, "A"), {"sent": 3})
            ]


def test_one_name_with_two_ids_gets_the_start_of_both():
    source = email(entry("A", ID, sent=1), entry("A", OTHER_ID, sent=2))
    assert labels(source) == [f"A [{ID[:8]}]", f"A [{OTHER_ID[:8]}]"]


def test_one_name_with_two_ids_on_different_days_gets_the_start_of_both():
    source = two_days([entry("A", ID, sent=1)], [entry("A", OTHER_ID, sent=2)])
    assert labels(source) == [f"A [{ID[:8]}]", f"A [{OTHER_ID[:8]}]"]


def test_ids_that_start_alike_are_shown_as_far_as_they_differ():
    source = email(entry("A", ID, sent=1), entry("A", TWIN, sent=2))
    assert labels(source) == [f"A [{ID[:10]}]", f"A [{TWIN[:10]}]"]


def test_only_ids_that_start_alike_are_shown_further():
    found = [entry("A", ID), entry("A", TWIN), entry("A", OTHER_ID)]
    expected = [f"A [{ID[:10]}]", f"A [{TWIN[:10]}]", f"A [{OTHER_ID[:8]}]"]
    assert labels(email(*found)) == expected


def test_one_name_with_and_without_an_id_says_no_id():
    source = email(entry("A", ID, sent=1), entry("A", None, sent=2))
    assert labels(source) == [f"A [{ID[:8]}]", "A [no id]"]


def test_a_name_that_is_the_id_of_another_is_told_apart():
    source = email(entry(None, ID, sent=1), entry(ID, None, sent=2))
    assert labels(source) == [f"{ID} [{ID[:8]}]", f"{ID} [no id]"]


def test_one_name_in_two_channels_is_no_collision():
    messages = {"email": [entry("A", ID)], "sms": [entry("A", OTHER_ID)]}
    assert labels(response(day(messages=messages))) == ["A", "A"]


def test_the_index_stays_unique_where_a_name_looks_like_a_told_apart_one():
    tricky = f"A [{ID[:8]}]"
    found = [entry("A", ID), entry("A", OTHER_ID), entry(tricky, TWIN)]
    frame = bf.read_braze_series(email(*found))
    assert frame.index.is_unique
    assert sorted(frame["variation_api_id"]) == sorted([ID, OTHER_ID, TWIN])


def test_a_variation_renamed_to_anothers_old_name_is_no_collision():
    source = two_days(
        [entry("A", ID), entry("B", OTHER_ID)], [entry("B", ID), entry("C", OTHER_ID)]
    )
    assert labels(source) == ["B", "C", "B", "C"]


def test_labels_come_only_from_the_days_that_are_read():
    found = two_days([entry("old", ID)], [entry("new", ID)])
    assert labels(found, end="2026-03-01") == ["old"]
    twins = two_days([entry("A", ID)], [entry("A", OTHER_ID)])
    assert labels(twins, start="2026-03-02") == ["A"]


def test_a_name_on_a_day_that_is_not_read_labels_nothing():
    answer = two_days([entry("Old", "a", sent=1)], [entry(None, "a", sent=2)])
    assert labels(answer) == ["Old", "Old"]
    assert labels(answer, length=1) == ["a"]
    assert labels(answer, start="2026-03-02") == ["a"]
