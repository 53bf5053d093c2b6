// The page: listens to what the console tells, and shows it; says so itself when it is told nothing.

import { showChain, showInvariants, showOutboxes } from "./chain.js";
import { el, find, keyed, link, say, set, show } from "./dom.js";
import { listen, showLetters, showReplays } from "./letters.js";
import { colour, draw, explain } from "./map.js";
import { byCause, fillPicker, late, showChosen, showPlaces, why } from "./places.js";
import { STATES, age, invariant, list, time } from "./words.js";

const NAMED = 4;
const INCIDENTS = 12;
const TRY_AGAIN_MS = 3000;
const WORSE = ["fresh", "unknown", "late", "grave", "critical"];

let about = null;
let names = new Map();
let picture = null;
let heardAt = null;
let chosen = "";

const json = async (path) => (await fetch(path)).json();

function choose(code, isToBeSeen = false) {
  chosen = code;
  find("chosen").value = code;
  if (picture) showAll();
  if (isToBeSeen) find("chosen").focus();
}

/** Everything that needs somebody, the worst first: level, sentence, where it stands, its runbook,
 *  and what it is about. */
function troubles() {
  const found = [];
  for (const one of picture.services) {
    if (one.state === "silent" || one.state === "unknown") {
      const since = one.since === null ? "" : ` depuis ${age(picture.at - one.since)}`;
      found.push(["grave", `${one.name} ${STATES[one.state]}${since}.`, "#chain", "silent", one.name]);
    } else if (one.state === "not_ready") {
      found.push(["grave", `${one.name} n'est pas prêt : ${one.troubles[0].reason}.`, "#chain", "not_ready", one.name]);
    }
    for (const [name, holds] of Object.entries(one.invariants)) {
      if (!holds) found.push(["critical", `Invariant rompu : ${invariant(name)} (${one.name}).`, "#invariants", "invariant", one.name + name]);
    }
  }
  for (const [cause, group] of byCause(late(picture))) {
    found.push([group[0].level, waiting(group), "#places", "late", cause]);
  }
  const letters = picture.letters.length;
  const more = picture.services.some((one) => one.letters >= about.letters_max) ? " ou plus" : "";
  if (letters) found.push(["late", letters === 1 ? "Une lettre morte attend." : `${letters} lettres mortes${more} attendent.`, "#letters", "dead_letters", ""]);
  return found.sort((a, b) => WORSE.indexOf(b[0]) - WORSE.indexOf(a[0]));
}

/** In a sentence, the départements that wait for the same, the oldest first. */
function waiting(group) {
  const named = group.slice(0, NAMED).map((one) => `${names.get(one.code)} (${one.code})`);
  const left = group.length - NAMED;
  if (left > 0) named.push(`${left} autre${left > 1 ? "s" : ""}`);
  const verb = group.length > 1 ? "attendent, jusqu'à" : "attend depuis";
  return `${list(named)} ${verb} ${age(group[0].seconds)} : ${why(group)}.`;
}

function title(found) {
  const slow = late(picture).length;
  const parts = [];
  const broken = picture.services.flatMap((one) => Object.values(one.invariants)).filter((holds) => !holds).length;
  if (broken) parts.push(broken > 1 ? `${broken} invariants rompus` : "un invariant rompu");
  const away = (states) => picture.services.filter((one) => states.includes(one.state)).map((one) => one.name);
  const silent = away(["silent", "unknown"]);
  const unready = away(["not_ready"]);
  if (silent.length) parts.push(`sans réponse : ${list(silent)}`);
  if (unready.length) parts.push(`pas prêt : ${list(unready)}`);
  if (slow) parts.push(`${slow} département${slow > 1 ? "s" : ""} en retard`);
  if (!parts.length && found.length) parts.push("à regarder");
  const said = parts.length ? parts.join(" ; ") : "tout suit, aucun département n'est en retard";
  return said[0].toUpperCase() + said.slice(1);
}

function showVerdict() {
  const found = troubles();
  const calm = picture.elsewhere === "unknown" ? "unknown" : "fresh";
  set(find("verdict"), "data-level", found.length ? found[0][0] : calm);
  const said = title(found);
  say(find("verdict-title"), said);
  document.title = found.length ? `(${found.length}) ${said}` : "Astreinte SAS – CPTS";
  keyed(
    find("verdict-list"),
    found,
    ([, , , kind, about]) => `${kind} ${about}`,
    () => el("li", {}, el("a", {}), el("a", {}, "Procédure")),
    (item, [level, text, place, kind]) => {
      const [sentence, way] = item.children;
      set(item, "data-level", level);
      set(sentence, "href", place);
      say(sentence, text);
      show(way, Boolean(about.runbook[kind]));
      set(way, "href", about.runbook[kind] || null);
      set(way, "aria-label", `Procédure : ${text}`);
    },
  );
}

const WRONG = {
  silent: (one) => `${one.service} sans réponse`,
  not_ready: (one) => `${one.service} pas prêt`,
  late: (one) => `${names.get(one.departement)} (${one.departement}) en retard`,
  dead_letters: (one) => `Lettres mortes de ${one.service}`,
  invariant: (one) => `${invariant(one.invariant)} : rompu (${one.service})`,
};

function showIncidents() {
  say(find("incidents-since"), picture.incidents.length
    ? `Vus par cette console depuis ${time(picture.started_at)}.`
    : `Aucun depuis que cette console a démarré, à ${time(picture.started_at)}.`);
  const keyOf = ({ wrong, began_at: began }) => `${Object.values(wrong).join(" ")} ${began}`;
  const make = ({ wrong, began_at: began }) => el(
    "li",
    {},
    el("span", { class: "when" }, time(began)),
    el("span", {}, WRONG[wrong.kind](wrong), " ", link(about.runbook[wrong.kind], about.runbook[wrong.kind] ? "Procédure" : "", { "aria-label": `Procédure : ${WRONG[wrong.kind](wrong)}` })),
    el("span", { class: "badge" }),
  );
  keyed(find("incidents-list"), picture.incidents.slice(0, INCIDENTS), keyOf, make, (item, one) => {
    const lasted = age((one.ended_at ?? picture.at) - one.began_at);
    set(item, "data-open", String(one.ended_at === null));
    say(item.lastChild, one.ended_at === null ? `en cours, ${lasted}` : `fini en ${lasted}`);
  });
}

function showAll() {
  colour(picture, names, chosen);
  showVerdict();
  showChosen(picture, names, chosen);
  showChain(picture, about, about.runbook);
  showPlaces(picture, names, choose);
  showLetters(picture, about, names);
  showOutboxes(picture, about);
  showInvariants(picture, about.runbook);
  showIncidents();
  showReplays(picture);
}

/** A page that is told nothing looks as well as it last did: so it says so, and fades. */
function pulse() {
  const silence = heardAt === null ? Infinity : (performance.now() - heardAt) / 1000;
  const isLive = silence < 2 * about.every_seconds + 6;
  const state = heardAt === null ? "waiting" : isLive ? "live" : "lost";
  set(find("pulse"), "data-state", state);
  set(document.body, "data-pulse", state);
  say(find("pulse-text"), {
    waiting: "Connexion…",
    live: picture ? `En direct, ${time(picture.at)}` : "",
    lost: picture ? `Console coupée : ces chiffres datent de ${time(picture.at)}` : "",
  }[state]);
}

function connect() {
  const source = new EventSource("/live");
  source.addEventListener("picture", (event) => {
    picture = JSON.parse(event.data);
    heardAt = performance.now();
    showAll();
    pulse();
  });
  source.addEventListener("error", () => {
    // The browser tries again by itself, unless it was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, TRY_AGAIN_MS);
  });
}

async function begin() {
  let outlines;
  try {
    [about, outlines] = await Promise.all([json("/about"), json("/page/outlines.json")]);
  } catch {
    setTimeout(begin, TRY_AGAIN_MS);
    return;
  }
  names = new Map(about.departements.map((one) => [one.code, one.name]));
  draw(outlines, about.departements, (code) => choose(code === chosen ? "" : code));
  explain(about.thresholds);
  fillPicker(about.departements);
  find("chosen").addEventListener("change", (event) => choose(event.target.value));
  const traces = about.trace_page ? new URL(about.trace_page.split("{trace}")[0].replace(/traces\/$/, ""), location) : null;
  find("links").replaceChildren(
    ...(traces ? [link(traces.href, "Traces", { rel: "noopener" })] : []),
    ...(about.runbook_index ? [link(about.runbook_index, "Procédures")] : []),
  );
  listen();
  pulse();
  setInterval(pulse, 1000);
  connect();
}

begin();
