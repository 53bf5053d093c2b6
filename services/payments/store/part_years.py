"""How much of their contract years missions ran, where a parameter lets envelopes follow it."""

from collections.abc import Collection, Mapping

from services.messaging.database import Connection
from services.payments.domain.accounts import AccountKey
from services.payments.domain.calendar import YearPart
from services.payments.domain.part_years import parts_of_year
from services.payments.store.dues_inputs import load_funded
from services.payments.store.dues_rules import load_dues_rules


def following_time_run(keys: Collection[AccountKey]) -> list[AccountKey]:
    """Those of these accounts whose envelopes follow the time that their missions ran."""
    rules = load_dues_rules()
    return [key for key in keys if rules.is_variable_part_pro_rata(key[1])]


async def load_parts_run(
    connection: Connection, keys: Collection[AccountKey]
) -> dict[AccountKey, Mapping[str, YearPart] | None]:
    """The part of the year that each mission ran, of the accounts whose envelopes follow it.

    An account that is of no contract year is not among them.
    """
    asked, rules = set(following_time_run(keys)), load_dues_rules()
    if not asked:
        return {}
    funded = await load_funded(connection, {cpts_id for cpts_id, _ in asked})
    return {
        (one.cpts_id, year.starts_on): parts_of_year(year, one.missions, rules)
        for one in funded
        for year in one.years
        if (one.cpts_id, year.starts_on) in asked
    }
