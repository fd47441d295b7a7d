"""From a file in the landing folder to raw, evidence and the folder of the collected."""

from __future__ import annotations

from assets.batches import accounts


def test_values_stay_text_and_rows_keep_their_lines(desk):
    desk.put("sy_202610.csv", 'BH,XM,BZ\n007,李 ,\n008,"a\nb",""\n\n009\n010,x,y\n')
    outcome = desk.collect()
    assert outcome.problems == []
    assert desk.raw("id, name, note, _row") == [("007", "李 ", None, 2), ("008", "a\nb", "", 3), ("010", "x", "y", 7)]
    [batch] = outcome.batches
    assert (batch["lines"], batch["lines_other"], batch["records"], batch["rows_raw"], batch["rows_rejected"]) == (7, 3, 4, 3, 1)
    assert batch["partition_key"] == "2026-10-01"
    assert batch["unit"] == "sy"
    assert batch["batch"].startswith("people-202610-sy-")
    [(row, text, reason)] = desk.rejects()
    assert (row, text) == (6, "009")
    assert "found 1 fields, expected 3" in reason
    assert desk.collected() == ["sy_202610.csv"]
    assert desk.waiting() == []
    [account] = accounts(desk.con, desk.project.contracts["people"])
    assert account.differences == []
    assert account.found_raw == 3


def test_a_second_run_changes_nothing(desk):
    desk.put("sy_202610.csv", "BH,XM,BZ\n1,a,b\n")
    desk.collect()
    again = desk.collect()
    assert (again.batches, again.problems) == ([], [])
    assert len(desk.raw()) == 1


def test_same_content_under_another_name_is_said_and_not_collected(desk):
    desk.put("sy_202610.csv", "BH,XM,BZ\n1,a,b\n")
    desk.collect()
    desk.put("dl_202610.csv", "BH,XM,BZ\n1,a,b\n")
    [batch] = desk.collect().batches
    assert batch["status"] == "repeated"
    assert "sy_202610.csv" in batch["reason"]
    assert len(desk.raw()) == 1
    assert desk.collected() == ["dl_202610.csv", "sy_202610.csv"]
