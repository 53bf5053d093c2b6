"""The file of the SAS platforms, and their words: what is followed, refused, masked."""

from pathlib import Path

import msgspec
import pytest

from services.gateway.domain.platform_words import LENGTH_MAX, masked, words_of
from services.gateway.outside.platforms import PlatformsUnfit, read_platforms

RIGHT = {"name": '"sas"', "base": '"https://sas.example.org/fhir/"', "departements": '["95"]'}


def file_of(folder: Path, *entries: dict[str, str]) -> dict[str, str]:
    text = ""
    for entry in entries:
        text += "[[platform]]\n" + "".join(f"{name} = {it}\n" for name, it in entry.items())
    (folder / "platforms.toml").write_text(text, "utf-8")
    return {"CPTS_SAS_PLATFORMS": str(folder / "platforms.toml")}


def test_no_file_is_no_platform() -> None:
    assert read_platforms({}) == ()


def test_a_region_and_departements_add_up(tmp_path: Path) -> None:
    entry = RIGHT | {"region": '"94"', "departements": '["2A", "06"]'}
    (one,) = read_platforms(file_of(tmp_path, entry))
    assert set(one.departements) == {"2A", "2B", "06"}
    assert one.base == "https://sas.example.org/fhir"
    assert one.regulator_when_unknown is None


@pytest.mark.parametrize(
    ("said", "kind"),
    [("7d2d3a52-8a0c-4d8e-9a55-6d4bd7c0a001", "INTRN"), ("3456780581/11242343", "IDNPS")],
)
def test_who_stands_for_a_regulator_is_of_the_platform_or_national(
    tmp_path: Path, said: str, kind: str
) -> None:
    (one,) = read_platforms(file_of(tmp_path, RIGHT | {"regulator_when_unknown": f'"{said}"'}))
    assert one.regulator_when_unknown is not None
    assert (one.regulator_when_unknown.kind, one.regulator_when_unknown.value) == (kind, said)


WRONG = {
    "a name has 1 to 40": {"name": '"Sas IDF"'},
    "base is an https address": {"base": '"http://sas.example.org/fhir"'},
    "base is an https": {"base": '"https://sas.example.org/fhir?x=1"'},
    "no région has the code 12": {"region": '"12"'},
    "no département has the code 20": {"departements": '["20"]'},
    "neither région nor département": {"departements": "[]"},
    "come together": {"certificate_file": '"a.pem"'},
    "there is no file": {"authority_file": '"nowhere.pem"'},
    "certificates cannot be used": {"authority_file": '"platforms.toml"'},
    "regulator_when_unknown is no": {"regulator_when_unknown": '"Mme Durand"'},
    "unknown field `colour`": {"colour": '"red"'},
}


@pytest.mark.parametrize("why", WRONG)
def test_a_file_that_cannot_be_followed_is_refused_with_the_reason(
    tmp_path: Path, why: str
) -> None:
    with pytest.raises(PlatformsUnfit, match=why):
        read_platforms(file_of(tmp_path, RIGHT | WRONG[why]))


def test_a_departement_has_one_platform(tmp_path: Path) -> None:
    with pytest.raises(PlatformsUnfit, match="95 is of two platforms"):
        read_platforms(file_of(tmp_path, RIGHT, RIGHT | {"name": '"other"'}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("L'identifiant est inconnu", "L'identifiant est inconnu"),
        ("Mme Durand est inconnue", "… est inconnue"),
        ("voir a.durand@example.org ou 0102030405", "voir … ou …"),
        ("Missing element Appointment.status", "Missing element Appointment.status"),
        ("née le 12/03/1980 à Nice", "née le … à …"),
        ("DURAND-MARTIN refuse", "… refuse"),
    ],
)
def test_a_text_is_kept_without_whom_it_may_name(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize("body", [b"", b"<html>Jean</html>", b"[]", b'{"issue":[]}', b"\xff"])
def test_an_answer_that_is_no_outcome_says_nothing(body: bytes) -> None:
    assert words_of(body) is None


def test_words_are_bounded() -> None:
    issue = {"code": "invalid", "diagnostics": "mot " * 10_000}
    assert len(words_of(msgspec.json.encode({"issue": [issue] * 100})) or "") <= LENGTH_MAX
