/** The storefront's drawn posters on the admin's pages, in place of the letters that stand there until then. */
import { draw, HEIGHT, type Shape, WIDTH } from "./poster-drawing";

const SVG = "http://www.w3.org/2000/svg";

function element(tag: string, attributes: Record<string, string | number>, parent: Element): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  parent.append(made);
  return made;
}

function drawInto(tile: HTMLElement): void {
  const { title = "", year = "", genres = "" } = tile.dataset;
  const drawing = draw({ title, year: year ? Number(year) : null, genres: genres.split(", ") }, "?");
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", width: "100%", height: "100%" }, tile);
  const name = `poster${drawing.top}${drawing.bottom}`.replace(/\W/g, "");
  const gradient = element("linearGradient", { id: name, x2: 0, y2: 1 }, svg);
  element("stop", { offset: 0, "stop-color": drawing.top }, gradient);
  element("stop", { offset: 1, "stop-color": drawing.bottom }, gradient);
  element("rect", { width: WIDTH, height: HEIGHT, fill: `url(#${name})` }, svg);
  const motif = element("g", { color: drawing.ink, fill: "currentColor", opacity: 0.42 }, svg);
  for (const { tag, attributes } of drawing.shapes satisfies Shape[]) element(tag, attributes, motif);
  drawing.lines.forEach((line, index) => {
    const y = HEIGHT - 42 - (drawing.lines.length - 1 - index) * drawing.size * 1.12;
    element("text", { x: 14, y, fill: "#fff", "font-size": drawing.size, "font-weight": 700, direction: "ltr" }, svg).textContent = line;
  });
  element("text", { x: 14, y: HEIGHT - 14, fill: "#fff", opacity: 0.85, "font-size": 20, direction: "ltr" }, svg).textContent = drawing.year;
  tile.firstChild?.remove(); // the letters
}

function drawAll(): void {
  for (const tile of document.querySelectorAll<HTMLElement>(".mr-poster[data-title]:not(:has(svg))")) drawInto(tile);
}

document.addEventListener("DOMContentLoaded", () => {
  drawAll();
  document.body.addEventListener("htmx:afterSettle", drawAll); // dialogs and lists that are read anew
});
