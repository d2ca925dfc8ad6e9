"""Which column names tell of a special category, and which only look like it."""

import pytest

from pipeline.errors import UnreadableInput
from pipeline.ingest.special import special_category, tells_pay
from pipeline.tables import TABLES

EMPLOYEES = "employee_id;department;{}\n1;Zorg;x\n"


SPECIAL = """
    Etniciteit afkomst ethnicity RaceCode ras gezondheid gezondheidsklachten ziekteverzuim
    ZiekteVerzuim verzuimpercentage kort_verzuim handicap disability_status medical religie
    kerkgenootschap vakbondslid trade_union politieke_voorkeur seksuele-geaardheid biometrie
    dna strafblad criminalRecord BSN bsn_nummer Burger-Service-Nummer hasBSN herkomst Geboorteplaats
    birthplace place_of_birth Re-integratie reintegratietraject WGA wga_uitkering
"""
HARMLESS = """
    grasmaaien trace terras sex gender geslacht communion reunion leeftijd fte abonnement
    organisatie beoordeling kerkrade_kantoor personeelsnummer embrace unionist integratie
"""


@pytest.mark.parametrize("name", SPECIAL.split())
def test_special_categories_are_known_by_name(name):
    """Special categories are known by name."""
    assert special_category(name) is not None


@pytest.mark.parametrize("name", HARMLESS.split())
def test_other_words_that_look_alike_are_let_in(name):
    """Other words that look alike are let in."""
    assert special_category(name) is None


def test_no_column_of_the_contract_is_refused():
    """No column of the contract is refused."""
    for table in TABLES.values():
        assert [name for name in table.columns if special_category(name)] == []


@pytest.mark.parametrize("name", ["Ziekteverzuim", "BSN"])
def test_the_file_is_refused_with_an_explanation_even_when_the_column_is_not_used(
    run, keeper, name
):
    """The file is refused with an explanation even when the column is not used."""
    with pytest.raises(UnreadableInput, match=rf"column {name} tells about .*Remove the column"):
        run({"employees.csv": EMPLOYEES.format(name)})
    assert keeper.n_loads == 0


@pytest.mark.parametrize(
    "name", ["Salaris", "bruto loon", "Bonus 2025 (euro)", "baseSalary", "Uurloon", "pay rise"]
)
def test_pay_is_known_by_name(name):
    """Pay is known by name."""
    assert tells_pay(name)


@pytest.mark.parametrize("name", ["Omzet", "Loonstroken zonder fout (%)", "payload", "Ballonnen"])
def test_results_of_work_are_no_pay(name):
    """Results of work are no pay."""
    assert not tells_pay(name)
