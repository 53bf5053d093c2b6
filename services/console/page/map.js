// The map: one outline a département, a magnifier on Paris, and a tile for each that has no outline.

import { el, find, keyed, set } from "./dom.js";
import { LEVELS, age } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const AROUND_PARIS = { box: "2980 1310 300 250", codes: ["75", "92", "93", "94", "77", "78", "91", "95"] };

const shapes = new Map();

function svg(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function add(parent, code, shape, choose) {
  shape.dataset.code = code;
  shape.addEventListener("click", () => choose(code));
  shapes.set(code, [...(shapes.get(code) ?? []), shape]);
  parent.append(shape);
}

function drawing(box, label, codes, outlines, choose) {
  const drawn = svg("svg", { viewBox: box, role: "img", "aria-label": label });
  for (const code of codes) {
    const path = svg("path", { d: outlines[code] });
    path.append(svg("title", {}));
    add(drawn, code, path, choose);
  }
  return drawn;
}

export function draw(outlines, places, choose) {
  const map = find("map");
  const drawn = outlines.departements;
  const label = "Carte des départements colorés par fraîcheur ; le choix dessous dit la même chose.";
  const france = drawing(outlines.viewBox, label, Object.keys(drawn), drawn, choose);
  france.classList.add("france");
  const paris = drawing(AROUND_PARIS.box, "Paris et ses voisins, agrandis.", AROUND_PARIS.codes, drawn, choose);
  const inset = el("figure", { class: "inset" }, paris, el("figcaption", {}, "Paris"));
  const tiles = el("div", { class: "tiles", "aria-hidden": "true" });
  for (const place of places) {
    if (!(place.code in drawn)) {
      const tile = el("span", { class: "tile" }, el("span", {}, place.code));
      tile.title = place.name;
      add(tiles, place.code, tile, choose);
    }
  }
  map.replaceChildren(el("div", { class: "land" }, france, inset), tiles);
}

export function colour(picture, names, chosen) {
  const told = new Map(picture.departements.map((one) => [one.code, one]));
  for (const [code, drawn] of shapes) {
    const one = told.get(code);
    const level = one?.level ?? picture.elsewhere;
    const text = `${code} ${names.get(code)} : ${LEVELS[level]}${one?.seconds ? `, ${age(one.seconds)}` : ""}`;
    for (const shape of drawn) {
      set(shape, "data-level", level);
      set(shape, "data-chosen", code === chosen ? "true" : null);
      // What is drawn last lies on top: its edge is whole.
      if (code === chosen && shape instanceof SVGElement && shape.nextSibling) shape.parentNode.append(shape);
      const title = shape.querySelector("title");
      if (title === null) shape.title = text;
      else if (title.textContent !== text) title.textContent = text;
    }
  }
}

export function explain(thresholds) {
  const { late, grave, critical } = thresholds;
  const bounds = [
    ["fresh", `moins de ${age(late)}`],
    ["late", `jusqu'à ${age(grave)}`],
    ["grave", `jusqu'à ${age(critical)}`],
    ["critical", "au-delà"],
    ["unknown", "un service ne dit rien"],
  ];
  keyed(
    find("legend"),
    bounds,
    ([level]) => level,
    ([level]) => el("li", {}, el("span", { class: "swatch", "data-level": level, "aria-hidden": "true" }), el("span", {})),
    (item, [level, text]) => { item.lastChild.textContent = `${LEVELS[level]} : ${text}`; },
  );
}
