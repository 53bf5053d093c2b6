// The French of the page: what codes are called, and how numbers, ages and instants are written.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const whole = new Intl.NumberFormat("fr-FR", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("fr-FR", { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("fr-FR", { timeStyle: "medium" });
const dated = new Intl.DateTimeFormat("fr-FR", { dateStyle: "short", timeStyle: "medium" });

export const SERVICES = {
  membership: "CPTS et membres",
  referrals: "Demandes",
  indicators: "Indicateurs",
  payments: "Financement",
  gateway: "Portes du SAS",
};

export const STATES = {
  ready: "prêt",
  not_ready: "pas prêt",
  silent: "ne répond pas",
  unknown: "n'a jamais répondu",
};

export const LEVELS = {
  fresh: "à jour",
  late: "en retard",
  grave: "grave",
  critical: "critique",
  unknown: "inconnu",
};

export const OUTCOMES = {
  replayed: "rejoué",
  already_replayed: "refusé : déjà rejoué",
  still_undecodable: "refusé : ne suit toujours pas le contrat",
  still_fails: "refusé : le traitement échoue encore",
  topic_not_heard: "refusé : sujet non écouté",
};

const INVARIANTS = {
  offsets_never_go_back: "Les positions lues ne reculent jamais",
  places_are_held_once: "Un lieu n'a qu'une CPTS à la fois",
  one_aci_a_day: "Une CPTS n'a qu'un ACI à la fois",
  contract_years_have_a_taille: "Chaque année de contrat a sa taille",
  parts_fit_their_commune: "Les parts tiennent dans leur commune",
  figures_equal_facts: "Chaque chiffre égale ses faits",
  revisions_equal_rows: "Chaque révision égale ses lignes",
  facts_equal_rule: "Chaque fait suit la règle",
  declared_facts_equal_entries: "Les faits déclarés égalent leurs saisies",
  postings_sum_to_zero: "Les écritures s'équilibrent",
  dues_equal_postings: "Les sommes dues égalent leurs écritures",
  accounts_equal_estimates: "Les comptes égalent leurs estimations",
  journals_sum_to_zero_per_cpts: "Chaque journal est en équilibre",
  payments_equal_postings: "Les paiements égalent leurs écritures",
  uses_equal_postings: "Les emplois égalent leurs écritures",
  debts_equal_postings: "Les dettes égalent leurs écritures",
};

export const invariant = (name) => INVARIANTS[name] ?? name.replaceAll("_", " ");

/** A number stays on the line of its unit. */
const glued = (text) => text.replaceAll(" ", "\u00a0");

export const count = (number) => whole.format(number);
export const events = (number) => `${count(number)}\u00a0événement${number >= 2 ? "s" : ""}`;

export function flow(aSecond) {
  if (aSecond === 0) return "0/s";
  return aSecond < 0.1 ? "< 0,1/s" : `${tenths.format(aSecond)}/s`;
}

export function age(seconds) {
  if (seconds === null) return "un temps inconnu";
  if (seconds < 1) return glued("< 1 s");
  if (seconds < MINUTE) return glued(`${Math.floor(seconds)} s`);
  if (seconds < HOUR) return glued(two(seconds, MINUTE, "min"));
  return glued(seconds < DAY ? two(seconds, HOUR, "h") : `${Math.floor(seconds / DAY)} j`);
}

/** So many whole units, and what is left in sixtieths of one. */
function two(seconds, unit, name) {
  const rest = Math.floor((seconds % unit) / (unit / 60));
  return `${Math.floor(seconds / unit)} ${name}${rest ? ` ${String(rest).padStart(2, "0")}` : ""}`;
}

export function duration(seconds) {
  if (seconds === null) return "plus d'une heure";
  return glued(seconds < 1 ? `${whole.format(seconds * 1000)} ms` : `${tenths.format(seconds)} s`);
}

/** What waits: how much, and since when; ≈ where it is estimated. */
export function behind(one) {
  if (!one || one.events === 0) return "rien n'attend";
  return `${one.is_estimated ? "≈\u00a0" : ""}${count(one.events)} depuis ${age(one.seconds)}`;
}

export const time = (seconds) => clock.format(new Date(seconds * 1000));
export const day = (iso) => dated.format(new Date(iso));

export function list(words) {
  return new Intl.ListFormat("fr-FR").format(words);
}
