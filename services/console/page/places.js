// What waits by département: the table of those that matter now, and the one that was chosen.

import { el, find, keyed, say, set, show } from "./dom.js";
import { LEVELS, age, behind, count, events, flow } from "./words.js";

const ROWS = 15;
const LATE = new Set(["late", "grave", "critical"]);

export const late = (picture) =>
  picture.departements.filter((one) => LATE.has(one.level)).sort((a, b) => b.seconds - a.seconds);

const badge = (level) => el("span", { class: "badge", "data-level": level }, LEVELS[level]);

/** Départements by whom the oldest event of each waits for, in the order given. */
export function byCause(ordered) {
  const groups = new Map();
  for (const one of ordered) {
    const cause = one.oldest.join(" ");
    groups.set(cause, [...(groups.get(cause) ?? []), one]);
  }
  return groups;
}

/** In a sentence, what the départements of one cause wait for. */
export function why(group) {
  const [service, topic] = group[0].oldest;
  const each = group.map((one) => (topic ? one.behind : one.outbox)[service]);
  const number = each.reduce((sum, one) => sum + one.events, 0);
  const told = `${each.some((one) => one.is_estimated) ? "environ " : ""}${events(number)}`;
  return topic
    ? `${service} n'a pas lu ${told} de ${topic}`
    : `${told} dans la boîte d'envoi de ${service}`;
}

/** All that waits there, by whom it waits for. */
function waiting(one) {
  const lag = Object.entries(one.behind).map(([name, each]) => `${name} : ${behind(each)}`);
  const outbox = Object.entries(one.outbox).map(([name, each]) => `envoi de ${name} : ${behind(each)}`);
  return [...lag, ...outbox].join(" ; ") || "rien";
}

export function showPlaces(picture, names, choose) {
  const ordered = [...picture.departements].sort(
    (a, b) => b.seconds - a.seconds || b.letters - a.letters || b.heard - a.heard,
  );
  show(find("places-none"), ordered.length === 0);
  show(find("places-table"), ordered.length > 0);
  const make = (one) => {
    const button = el("button", { type: "button", class: "plain" }, `${one.code} ${names.get(one.code)}`);
    button.onclick = () => choose(one.code, true);
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, button),
      ...["Âge", "Ce qui attend", "Reçus", "Lettres"].map((name) => el("td", { "data-label": name })),
    );
  };
  keyed(find("places-rows"), ordered.slice(0, ROWS), (one) => one.code, make, (row, one) => {
    set(row, "data-level", one.level);
    const old = one.oldest ? age(one.seconds) : LEVELS[one.level];
    const cells = [old, waiting(one), flow(one.heard), one.letters ? count(one.letters) : "–"];
    cells.forEach((text, place) => say(row.children[place + 1], text));
  });
  const more = ordered.length - ROWS;
  show(find("places-more"), more > 0);
  say(find("places-more"), `Et ${count(Math.max(0, more))} autres, moins en retard : la carte et le choix les disent.`);
}

export function fillPicker(places) {
  find("chosen").replaceChildren(
    el("option", { value: "" }, "Aucun"),
    ...places.map((one) => el("option", { value: one.code }, `${one.code} ${one.name}`)),
  );
}

export function showChosen(picture, names, code) {
  const detail = find("detail");
  if (!code) {
    detail.replaceChildren();
    delete detail.dataset.told;
    return;
  }
  const one = picture.departements.find((each) => each.code === code);
  const level = one?.level ?? picture.elsewhere;
  const rows = picture.services.slice(1).map(({ name }) => [`À lire par ${name}`, behind(one?.behind[name])]);
  const outboxes = Object.entries(one?.outbox ?? {}).map(([name, each]) => [`À envoyer par ${name}`, behind(each)]);
  const flows = [["Reçus", flow(one?.heard ?? 0)], ["Dits", flow(one?.sent ?? 0)]];
  const letters = one?.letters ? [["Lettres mortes", count(one.letters)]] : [];
  const told = [...rows, ...outboxes, ...flows, ...letters];
  const shape = `${code} ${level} ${told.map(([name]) => name)}`;
  if (detail.dataset.told !== shape) {
    detail.dataset.told = shape;
    detail.replaceChildren(
      el("h3", {}, `${code} ${names.get(code)} `, badge(level)),
      el("dl", {}, ...told.map(([name]) => el("div", {}, el("dt", {}, name), el("dd", { "aria-live": "off" })))),
    );
  }
  told.forEach(([, text], place) => say(detail.querySelectorAll("dd")[place], text));
}
