// The chain and what stands beside it: each service with its flows and what waits for it.

import { el, find, keyed, link, part, say, set, show } from "./dom.js";
import { SERVICES, STATES, age, behind, count, duration, flow, invariant } from "./words.js";

function node(service) {
  return el(
    "li",
    { class: "service", "data-service": service.name },
    el(
      "h3",
      {},
      el("span", { class: "code" }, service.name),
      el("span", { class: "gloss" }, SERVICES[service.name] ?? ""),
    ),
    el("p", {}, el("span", { class: "badge", "data-part": "state" })),
    el("dl", { "data-part": "facts" }),
    el("ul", { class: "troubles", "data-part": "troubles" }),
    el("p", { class: "foot", "data-part": "foot" }),
  );
}

function fact(name) {
  return el("div", {}, el("dt", {}, name), el("dd", {}));
}

function facts(service) {
  return [
    ["reçoit", flow(service.heard), 0],
    ["dit", flow(service.sent), 0],
    ...Object.entries(service.behind).map(([topic, one]) => [
      `à lire de ${topic}`,
      one.events ? behind(one) : "rien",
      one.seconds ?? 0,
    ]),
    ["à envoyer", service.outbox.events ? behind(service.outbox) : "rien", service.outbox.seconds ?? 0],
  ];
}

export function showChain(picture, about, runbook) {
  const urls = new Map(about.services.map((one) => [one.name, one.url]));
  keyed(find("services"), picture.services, (one) => one.name, node, (item, service) => {
    const state = part(item, "state");
    const since = service.since === null ? "" : ` depuis ${age(picture.at - service.since)}`;
    set(state, "data-state", service.state);
    say(state, `${STATES[service.state]}${since}`);
    keyed(part(item, "facts"), facts(service), ([name]) => name, ([name]) => fact(name), (row, [, text, seconds]) => {
      say(row.lastChild, text);
      set(row, "data-late", seconds >= about.thresholds.late ? "true" : null);
    });
    keyed(part(item, "troubles"), service.troubles, (one) => one.part, () => el("li"), (row, one) => {
      say(row, `${one.part} : ${one.reason}${one.command ? ` — à faire : ${one.command}` : ""}`);
    });
    const kind = service.state === "silent" || service.state === "unknown" ? "silent" : "not_ready";
    const foot = part(item, "foot");
    if (!foot.firstChild) {
      foot.append(
        link(`${urls.get(service.name)}/schema`, "API", { rel: "noopener", "aria-label": `API de ${service.name}` }),
        link(runbook[kind], "Procédure", { "aria-label": `Procédure : ${service.name}` }),
      );
    }
    show(foot.lastChild, service.state !== "ready" && Boolean(runbook[kind]));
    set(foot.lastChild, "href", runbook[kind] || null);
  });
  showFunded(picture, about);
}

function showFunded(picture, about) {
  const { count: measured, half, most } = picture.funded;
  const text = measured
    ? `De l'acceptation à l'euro, ces cinq minutes : la moitié en ${duration(half)} au plus, 99 % en ${duration(most)} au plus (${count(measured)}).`
    : "De l'acceptation à l'euro : rien de mesuré ces cinq minutes.";
  const place = find("funded");
  const href = picture.slowest_trace && about.trace_page
    ? about.trace_page.replace("{trace}", picture.slowest_trace) : null;
  if (place.dataset.told !== `${text}${href}`) {
    place.dataset.told = `${text}${href}`;
    place.replaceChildren(text, ...(href ? [" ", link(href, "Trace d'une des plus lentes", { rel: "noopener" })] : []));
  }
}

export function showOutboxes(picture, about) {
  keyed(find("outboxes-list"), picture.services, (one) => one.name, (one) => fact(one.name), (row, one) => {
    say(row.lastChild, one.outbox.events ? behind(one.outbox) : "vide");
    set(row, "data-late", (one.outbox.seconds ?? 0) >= about.thresholds.late ? "true" : null);
  });
}

function invariantItem(runbook) {
  return (one) => el(
    "li",
    { "data-holds": one.holds },
    el("span", { class: "verdict-of" }, one.holds ? "tient" : "ROMPU"),
    el("span", {}, invariant(one.name), " ", el("span", { class: "code" }, one.service)),
    !one.holds && runbook.invariant
      ? link(runbook.invariant, "Procédure", { "aria-label": `Procédure : ${invariant(one.name)}` }) : null,
  );
}

export function showInvariants(picture, runbook) {
  const told = picture.services.flatMap((service) =>
    Object.entries(service.invariants).map(([name, holds]) => ({ service: service.name, name, holds })));
  const keyOf = (one) => `${one.service} ${one.name}`;
  const held = told.filter((one) => one.holds);
  const broken = told.filter((one) => !one.holds);
  keyed(find("invariants-broken"), broken, keyOf, invariantItem(runbook), () => {});
  keyed(find("invariants-held"), held, keyOf, invariantItem(runbook), () => {});
  const all = told.length && !broken.length ? "Tous tiennent" : "Ceux qui tiennent";
  say(find("invariants-count"), `${all} (${held.length} sur ${told.length})`);
}
