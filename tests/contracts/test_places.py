"""The places of France: the append-only table of départements, the communes, their old codes.

Goal: a code received from anywhere leads to the right present commune, and a département's events
always land in the same partition. Method: the shipped tables against well-known facts, and against
the public package that they are made from.
"""

from collections import Counter
from zoneinfo import ZoneInfo

import httpx
import pytest

from contracts import communes, departements
from deploy.data import build_communes

# Never edit these lines; a new département is added on a line of its own, at the end.
TABLE = """
    00
    01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 21 22 23 24 25 26 27 28 29 2A 2B
    30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59
    60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89
    90 91 92 93 94 95 971 972 973 974 976
    975 977 978 984 986 987 988 989
"""
PLACES_IN_THE_TABLE = TABLE.split()


class TestDepartements:
    def test_no_departement_ever_changes_its_place_in_the_table(self):
        assert [row.code for row in departements.DEPARTEMENTS] == PLACES_IN_THE_TABLE
        assert [row.index for row in departements.DEPARTEMENTS] == list(
            range(len(PLACES_IN_THE_TABLE))
        )

    def test_the_table_holds_101_departements_and_the_collectivities_without_region(self):
        without_region = [row.code for row in departements.DEPARTEMENTS if row.region is None]
        assert without_region == ["00", "975", "977", "978", "984", "986", "987", "988", "989"]
        assert len(departements.DEPARTEMENTS) - len(without_region) == 101
        regions = {row.region.code for row in departements.DEPARTEMENTS if row.region}
        assert regions == set(departements.REGION_NAMES)
        assert len(regions) == 18

    @pytest.mark.parametrize(
        ("told", "codes"),
        [
            ("93", ["93"]),
            ("93, 95", ["93", "95"]),
            ("28-31,93", ["28", "29", "2A", "2B", "30", "31", "93"]),
            ("95-973,93", ["95", "971", "972", "973", "93"]),
            ("01-03,02", ["01", "02", "03"]),
        ],
    )
    def test_they_are_named_one_by_one_or_in_stretches(self, told, codes):
        assert list(departements.parse_departements(told)) == codes

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            ("9", "no département has the code '9'"),
            ("01-20,93", "no département has the code '20'"),
            ("95-93", "95-93 is empty: write 93-95"),
            ("", "no département has the code ''"),
        ],
    )
    def test_a_list_that_cannot_be_followed_says_why(self, told, why):
        with pytest.raises(departements.UnknownDepartementError, match=why):
            departements.parse_departements(told)

    @pytest.mark.parametrize(
        ("code", "name", "region", "time_zone"),
        [
            ("93", "Seine-Saint-Denis", "Île-de-France", "Europe/Paris"),
            ("2A", "Corse-du-Sud", "Corse", "Europe/Paris"),
            ("971", "Guadeloupe", "Guadeloupe", "America/Guadeloupe"),
            ("974", "La Réunion", "La Réunion", "Indian/Reunion"),
            ("976", "Mayotte", "Mayotte", "Indian/Mayotte"),
            ("978", "Saint-Martin", None, "America/Marigot"),
        ],
    )
    def test_a_departement_knows_its_name_region_and_time_zone(self, code, name, region, time_zone):
        found = departements.by_code(code)
        assert (found.name, found.region and found.region.name) == (name, region)
        assert found.time_zone == time_zone

    def test_every_time_zone_exists(self):
        for row in departements.DEPARTEMENTS:
            assert ZoneInfo(row.time_zone).key == row.time_zone

    def test_with_128_partitions_each_departement_has_its_own(self):
        taken = {departements.partition_of(code, 128) for code in PLACES_IN_THE_TABLE}
        assert len(taken) == len(PLACES_IN_THE_TABLE)

    def test_with_fewer_partitions_departements_share_them_by_their_place(self):
        assert departements.partition_of("00", 4) == 0
        assert departements.partition_of("01", 4) == 1
        assert departements.partition_of("04", 4) == 0
        assert departements.partition_of("989", 1) == 0

    @pytest.mark.parametrize("code", ["", "20", "1", "97", "999", "2a"])
    def test_an_unknown_departement_is_refused_by_name(self, code):
        with pytest.raises(departements.UnknownDepartementError, match=repr(code)):
            departements.by_code(code)
        with pytest.raises(departements.UnknownDepartementError, match=repr(code)):
            departements.partition_of(code, 128)

    def test_a_topic_without_partition_is_refused(self):
        with pytest.raises(ValueError, match="at least one partition, not 0"):
            departements.partition_of("93", 0)

    @pytest.mark.parametrize(
        "code", ["", "93", "7505", "750561", "00001", "20004", "97999", "2C001"]
    )
    def test_a_code_that_no_departement_holds_is_refused(self, code):
        with pytest.raises(departements.UnknownDepartementError):
            departements.departement_of_commune(code)

    def test_the_code_of_every_place_says_its_departement(self):
        for commune in communes.all_communes().values():
            assert departements.departement_of_commune(commune.code) == commune.departement


class TestCommunes:
    def test_all_communes_and_arrondissements_are_there_once(self):
        kinds = Counter(commune.city is None for commune in communes.all_communes().values())
        assert kinds == {True: 34_969, False: 45}
        assert list(communes.all_communes()) == sorted(communes.all_communes())

    def test_every_departement_but_the_national_entry_has_communes(self):
        inhabited = {commune.departement for commune in communes.all_communes().values()}
        assert inhabited == set(PLACES_IN_THE_TABLE) - {"00"}

    @pytest.mark.parametrize(
        ("code", "name", "departement"),
        [
            ("2A004", "Ajaccio", "2A"),
            ("2B033", "Bastia", "2B"),
            ("93001", "Aubervilliers", "93"),
            ("97411", "Saint-Denis", "974"),
            ("97611", "Mamoudzou", "976"),
            ("97801", "Saint-Martin", "978"),
            ("98735", "Papeete", "987"),
        ],
    )
    def test_a_present_commune_is_itself(self, code, name, departement):
        found = communes.resolve(code)
        assert (found.code, found.name, found.departement) == (code, name, departement)
        assert found.city is None
        assert found.population > 0

    @pytest.mark.parametrize(
        ("old", "present"),
        [
            pytest.param("01018", "01033", id="former, in Valserhône"),
            pytest.param("20004", "2A004", id="code before Corsica was divided"),
            pytest.param("01340", "01015", id="déléguée: Saint-Bois, in Arboys en Bugey"),
            pytest.param("55273", "55386", id="associée whose history leads elsewhere"),
            pytest.param("59298", "59350", id="associée: Hellemmes, in Lille"),
            pytest.param("60455", "60694", id="déléguée of a commune that another has left"),
            pytest.param("02285", "59545", id="associée held by a commune of another département"),
            pytest.param("75001", "94002", id="code before the département of Seine was divided"),
            pytest.param("97123", "97701", id="Saint-Barthélemy as part of Guadeloupe"),
            pytest.param("97127", "97801", id="Saint-Martin as part of Guadeloupe"),
        ],
    )
    def test_an_old_code_leads_to_the_present_commune(self, old, present):
        assert communes.resolve(old).code == present

    def test_the_seat_of_a_commune_nouvelle_is_the_commune_nouvelle(self):
        assert communes.resolve("01015").name == "Arboys en Bugey"  # the seat was Arbignieu

    @pytest.mark.parametrize("code", ["", "00000", "75000", "99999", "2a004", " 93001", "93001 "])
    def test_an_unknown_code_leads_nowhere(self, code):
        assert communes.resolve(code) is None

    def test_a_missing_population_is_unknown_and_a_zero_is_real(self):
        of = {code: place.population for code, place in communes.all_communes().items()}
        unknown = {code for code, population in of.items() if population is None}
        assert unknown == {"98411", "98412", "98413", "98414", "98415", "98901"}
        assert sum(population == 0 for population in of.values()) == 6
        assert of["55189"] == 0  # Fleury-devant-Douaumont

    @pytest.mark.parametrize(
        ("city", "count", "first", "last"),
        [
            ("75056", 20, "75101", "75120"),
            ("69123", 9, "69381", "69389"),
            ("13055", 16, "13201", "13216"),
        ],
    )
    def test_the_arrondissements_of_a_city_make_up_the_city(self, city, count, first, last):
        codes = communes.arrondissements_of(city)
        assert (len(codes), codes[0], codes[-1]) == (count, first, last)
        parts = [communes.resolve(code) for code in codes]
        whole = communes.resolve(city)
        assert {(part.city, part.epci) for part in parts} == {(city, whole.epci)}
        populations: list[int] = [part.population or 0 for part in parts]
        assert sum(populations) == whole.population

    def test_other_places_have_no_arrondissement(self):
        assert communes.arrondissements_of("93001") == ()
        assert communes.arrondissements_of("75101") == ()
        assert communes.arrondissements_of("99999") == ()


class TestEpci:
    def test_a_group_has_a_name_and_communes(self):
        assert communes.epci_name("249740085") == "CA du Sud"
        members = communes.communes_of_epci("249740085")
        assert [member.code for member in members] == ["97403", "97412", "97417", "97422"]

    def test_a_city_counts_once_in_its_group(self):
        paris = communes.communes_of_epci("200054781")
        assert len(paris) == 130
        assert "75056" in {member.code for member in paris}
        assert all(member.city is None for member in paris)

    def test_every_commune_belongs_to_a_named_group_or_to_none(self):
        groups = Counter(commune.epci for commune in communes.all_communes().values())
        assert groups.pop(None) == 98
        assert len(groups) == 1_255
        assert all(communes.epci_name(siren or "") for siren in groups)

    def test_an_unknown_group_is_refused_by_its_siren(self):
        with pytest.raises(communes.UnknownEpciError, match="'123456789'"):
            communes.epci_name("123456789")
        with pytest.raises(communes.UnknownEpciError, match="'123456789'"):
            communes.communes_of_epci("123456789")


class TestSource:
    def test_the_script_gives_the_shipped_tables_byte_for_byte(self):
        try:
            tarball = build_communes.download()
        except httpx.HTTPError as error:  # away, or too busy to answer
            pytest.skip(f"the npm registry cannot be reached: {error!r}")
        tables = build_communes.build(tarball)
        shipped = {path.name for path in build_communes.DATA_DIRECTORY.glob("*.tsv")}
        assert shipped == {*tables, "professions.tsv"}, "made by hand: professions alone"
        for name, content in tables.items():
            assert (build_communes.DATA_DIRECTORY / name).read_bytes() == content, name

    def test_another_tarball_is_refused(self):
        with pytest.raises(build_communes.SourceError, match="SHA-512"):
            build_communes.build(b"not the release")
