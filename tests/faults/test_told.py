"""Reports of slices add up, and say what broke and how to see it again."""

from pathlib import Path

from tests.faults import told
from tests.faults.told import KindTold, SliceTold


def a_slice(seed: str, **more: object) -> SliceTold:
    kinds = {"killed": KindTold(struck=3, bitten=2, moved={"died": 2}, caught_up_seconds=1.5)}
    given = {"faults": 2, "struck": 3, "events": 1000, "judged": True, "kinds": kinds} | more
    return SliceTold(seed=seed, **given)  # type: ignore[arg-type]


def test_slices_of_several_reports_add_up_each_once(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    told.write(first, [a_slice("s-1"), a_slice("s-2")])
    told.write(second, [a_slice("s-2"), a_slice("s-3")])
    slices = told.read([first, second])
    assert [one.seed for one in slices] == ["s-1", "s-2", "s-3"]
    (killed,) = told.by_kind(slices).values()
    assert (killed.struck, killed.bitten, killed.moved) == (9, 6, {"died": 6})
    shown = told.table(slices)
    assert "6 faults bit" in shown
    assert "3,000 events" in shown
    assert "safety: held in 3 judged slices" in shown


def test_what_broke_is_told_with_what_plays_it_again() -> None:
    broken = a_slice("s-2", judged=False, harm="lost", without=("mark",))
    shown = told.page([a_slice("s-1"), broken, a_slice("s-3", judged=False)])
    assert "safety: BROKEN in 2 judged slices" not in shown
    assert "safety: BROKEN" in shown
    assert "liveness: held" in shown
    assert "just faults --slice s-2 --without mark" in shown
    assert "1 slices were interrupted and not judged" in shown
