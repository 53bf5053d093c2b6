"""The name of a part of a commune: one word, in French letters too."""

import msgspec
import pytest

from contracts.parts import PartName


@pytest.mark.parametrize(
    "name", ["Nord", "Est-2", "L'Haÿ", "Saint-Œuvre.bis", "13e", "É" * 40, "Côte-d'Azur"]
)
def test_a_word_is_a_name(name: str) -> None:
    assert msgspec.convert(name, PartName) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "Le Nord", " Nord", "Nord ", "Nord\n", "-Nord", "n" * 41, "a@b", "a,b", "a/b", "a_b"),
        *("E\u0301st", "nord\u00a0est", "nord\u200best", "<b>"),
    ],
)
def test_anything_else_is_not(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, PartName)
