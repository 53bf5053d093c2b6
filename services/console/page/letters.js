// Dead letters: why, their body when it is asked for, and their replay, asked twice.

import { el, find, keyed, link, part, say, show } from "./dom.js";
import { OUTCOMES, day } from "./words.js";

const REMEMBERED = "cpts-person";
let asked = null;

function body(letter) {
  const told = el("pre", { tabindex: "0", "aria-label": "Corps et en-têtes du message" }, "…");
  const details = el("details", {}, el("summary", {}, "Corps et en-têtes"), told);
  details.addEventListener("toggle", async () => {
    if (!details.open) {
      told.textContent = "…";
      return;
    }
    try {
      const answer = await fetch(`/dead-letters/${letter.service}/${letter.id}`);
      const found = await answer.json();
      told.textContent = answer.ok ? written(found) : found.detail ?? found.title;
    } catch {
      told.textContent = "La console ne répond pas.";
    }
  });
  return details;
}

function written(letter) {
  const headers = letter.headers.map((one) => `${one.name}: ${one.text ?? one.base64 ?? ""}`);
  let text = letter.body ?? "(sans corps)";
  try {
    text = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* what breaks the contract may be no JSON */ }
  return `${letter.reason}\n\n${letter.topic}, partition ${letter.partition}, position ${letter.position}\n${headers.join("\n")}\n\n${text}`;
}

export function showLetters(picture, about, names) {
  show(find("letters-none"), picture.letters.length === 0);
  const make = (letter) => {
    const what = `${letter.type ?? "message illisible"}, ${letter.service}`;
    const replay = el("button", { type: "button", class: "main", "aria-label": `Rejouer… ${what}, numéro ${letter.id}` }, "Rejouer…");
    replay.onclick = () => ask(letter);
    const trace = letter.trace_id && about.trace_page ? about.trace_page.replace("{trace}", letter.trace_id) : "";
    return el(
      "li",
      {},
      el("h3", {}, el("span", { class: "code" }, letter.service), ` ${letter.type ?? "message illisible"}`),
      el("p", { class: "hint" }, `n° ${letter.id} · ${letter.departement} ${names.get(letter.departement) ?? ""} · ${day(letter.recorded_at)}`),
      el("p", { class: "reason", "data-part": "reason" }),
      body(letter),
      el(
        "p",
        { class: "buttons" },
        replay,
        trace ? link(trace, "Trace", { rel: "noopener" }) : null,
        about.runbook.dead_letters ? link(about.runbook.dead_letters, "Procédure") : null,
      ),
    );
  };
  keyed(find("letters-list"), picture.letters, (one) => `${one.service} ${one.id}`, make, (item, letter) => {
    say(part(item, "reason"), letter.reason);
  });
}

function ask(letter) {
  asked = { letter, key: crypto.randomUUID(), step: 1 };
  const rows = [
    ["Service", letter.service],
    ["Message", `n° ${letter.id}, ${letter.type ?? "illisible"}`],
    ["Raison", letter.reason],
  ];
  find("replay-what").replaceChildren(
    ...rows.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))),
  );
  step(1);
  find("replay").showModal();
}

function step(number) {
  asked.step = number;
  say(find("replay-title"), number === 1 ? "Rejouer ce message ?" : "Confirmer le rejeu");
  say(find("replay-text"), number === 1
    ? "Le service le traitera comme s'il venait d'arriver. Rejouez-le quand la cause est réparée ; sinon il sera refusé et restera ici."
    : `${asked.letter.service} va traiter le message n° ${asked.letter.id}. Le rejeu et votre identifiant sont inscrits à son journal.`);
  say(find("replay-back"), number === 1 ? "Annuler" : "Revenir");
  say(find("replay-go"), number === 1 ? "Continuer" : "Rejouer maintenant");
  say(find("replay-error"), "");
  show(find("replay-who"), number === 2);
  const person = find("person");
  person.required = number === 2;
  person.value = localStorage.getItem(REMEMBERED) ?? person.value;
  (number === 2 ? person : find("replay-title")).focus();
}

async function go() {
  const { letter, key } = asked;
  const person = find("person").value;
  find("replay-go").disabled = true;
  try {
    const answer = await fetch(`/dead-letters/${letter.service}/${letter.id}/replay`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ person, key }),
    });
    if (answer.ok) {
      localStorage.setItem(REMEMBERED, person);
      find("replay").close();
      say(find("said"), `Rejoué : ${letter.service}, message n° ${letter.id}.`);
      find("letters-title").tabIndex = -1;
      find("letters-title").focus();
      return;
    }
    const problem = await answer.json();
    // The refusal was the answer to this key: another try is another order.
    asked.key = crypto.randomUUID();
    say(find("replay-error"), problem.detail ?? problem.title);
  } catch {
    say(find("replay-error"), "La console ne répond pas ; rien ne dit si le message a été rejoué.");
  } finally {
    find("replay-go").disabled = false;
  }
}

export function listen() {
  find("replay-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (asked.step === 1) step(2);
    else go();
  });
  find("replay-back").addEventListener("click", () => {
    if (asked.step === 1) find("replay").close();
    else step(1);
  });
}

export function showReplays(picture) {
  show(find("replays-none"), picture.replays.length === 0);
  keyed(
    find("replays-list"),
    picture.replays,
    (one) => `${one.service} ${one.letter_id} ${one.asked_at}`,
    (one) => el(
      "li",
      {},
      el("span", { class: "when" }, day(one.asked_at)),
      el("span", {}, `${OUTCOMES[one.outcome] ?? one.outcome} : ${one.service} n° ${one.letter_id}${one.type ? `, ${one.type}` : ""}`,
        el("span", { class: "who" }, ` par ${one.asked_by ?? "une commande, sans identifiant"}`)),
    ),
    () => {},
  );
}
