/** The drawn poster of a film that has no picture: its colours by genre and decade, its title in letters that are
 *  readable where the poster is 120 px wide. */

export interface Drawn {
  title: string | null;
  year: number | null;
  genres: string[];
}
export interface Shape {
  tag: "circle" | "rect" | "path";
  attributes: Record<string, string | number>;
}
export interface Drawing {
  top: string;
  bottom: string;
  ink: string;
  shapes: Shape[];
  lines: string[];
  size: number; // of the letters
  serif: boolean;
  year: string;
}

export const WIDTH = 200;
export const HEIGHT = 300;
const MARGIN = 14;
const SIZES = [34, 30, 27, 24, 21, 19]; // 21 is 12.6 px where the poster is 120 px wide; only long words are smaller
const MAX_LINES = 6;

// The genre that says most of a film comes first. Names are matched by their beginning, in English and German.
const HUES: [RegExp, number, Motif][] = [
  [/^western/i, 26, hills],
  [/^(doc|dok)/i, 190, slats],
  [/^musi/i, 312, waves],
  [/^(war|krieg)/i, 66, bolts],
  [/^horror/i, 352, moon],
  [/^(sci|science)/i, 205, rings],
  [/^anim/i, 172, dots],
  [/^fantas/i, 282, moon],
  [/^(hist|bio)/i, 36, panes],
  [/^(rom|liebes)/i, 332, waves],
  [/^(crime|krimi|film-noir)/i, 228, slats],
  [/^myst/i, 252, rings],
  [/^thriller/i, 266, slats],
  [/^(child|kids|famil|kinder)/i, 92, hills],
  [/^(adv|abenteuer)/i, 148, hills],
  [/^(com|kom)/i, 44, dots],
  [/^action/i, 12, bolts],
  [/^sport/i, 120, bolts],
];

type Motif = (random: () => number) => Shape[];

export function draw(film: Drawn, untitled: string): Drawing {
  const title = film.title ?? untitled;
  const random = randoms(title + (film.year ?? ""));
  const known = HUES.find(([name]) => film.genres.some((genre) => name.test(genre)));
  const [, hue, motif] = known ?? [undefined, 215, panes as Motif];
  const decade = film.year === null ? 1990 : Math.floor(film.year / 10) * 10;
  // Old films are faded, new ones are saturated.
  const saturation = Math.max(12, Math.min(62, 12 + (decade - 1920) * 0.5));
  const turn = hue + Math.round((random() - 0.5) * 24);
  const { lines, size } = fit(title);
  return {
    top: `hsl(${turn} ${saturation}% 30%)`,
    bottom: `hsl(${turn + 28} ${saturation}% 13%)`,
    ink: `hsl(${turn} ${saturation + 20}% 62%)`,
    shapes: motif(random),
    lines,
    size,
    serif: decade < 1970,
    year: film.year === null ? "" : String(film.year),
  };
}

/** Return the lines of a title and the size of their letters: the largest in which it fits. */
export function fit(title: string): { lines: string[]; size: number } {
  for (const size of SIZES) {
    const lines = wrap(title, (WIDTH - 2 * MARGIN) / size);
    const most = Math.min(MAX_LINES, Math.floor(170 / (size * 1.12)));
    if (lines !== undefined && lines.length <= most) return { lines, size };
  }
  const size = SIZES[SIZES.length - 1] ?? 19;
  const all = wrap(title, (WIDTH - 2 * MARGIN) / size, true) ?? [title];
  const lines = all.slice(0, MAX_LINES);
  if (all.length > MAX_LINES) lines[MAX_LINES - 1] = `${(lines[MAX_LINES - 1] ?? "").slice(0, -2)}…`;
  return { lines, size };
}

/** Return a text's width in sizes of bold letters, as the widest of the usual fonts has them. */
function width(text: string): number {
  let sum = 0;
  for (const letter of text) sum += /[iljtfI.,:;'!’ ·]/.test(letter) ? 0.4 : /[mwMWÆŒ@&—]/.test(letter) ? 1 : letter > "\u2e80" ? 1.05 : /\p{Lu}/u.test(letter) ? 0.76 : 0.67;
  return sum;
}

/** Return the title in lines of a width; undefined where a word is wider, unless words may be cut. */
function wrap(title: string, room: number, cut = false): string[] | undefined {
  const lines: string[] = [];
  for (let word of title.split(/\s+/).filter(Boolean)) {
    while (width(word) > room) {
      if (!cut) return undefined;
      const letters = [...word];
      let fits = letters.length - 1;
      while (fits > 1 && width(letters.slice(0, fits).join("")) > room - 0.4) fits--;
      lines.push(`${letters.slice(0, fits).join("")}-`);
      word = letters.slice(fits).join("");
    }
    const last = lines[lines.length - 1];
    if (last !== undefined && width(`${last} ${word}`) <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function randoms(seed: string): () => number {
  let state = 2166136261;
  for (const letter of seed) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 16777619);
  return () => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9;
    return ((state ^ (state >>> 13)) >>> 0) / 4294967296;
  };
}

function shape(tag: Shape["tag"], attributes: Shape["attributes"]): Shape {
  return { tag, attributes };
}

function rings(random: () => number): Shape[] {
  const [x, y] = [50 + random() * 110, 60 + random() * 40];
  return [
    shape("circle", { cx: x, cy: y, r: 30 }),
    ...[48, 66, 88].map((r) => shape("circle", { cx: x, cy: y, r, fill: "none", stroke: "currentColor", "stroke-width": 2.5 })),
  ];
}

function moon(random: () => number): Shape[] {
  const x = 60 + random() * 80;
  return [shape("path", { d: `M${x} 24a46 46 0 1 0 40 76a38 38 0 1 1 -40 -76z` })];
}

function slats(random: () => number): Shape[] {
  return Array.from({ length: 7 }, (_, n) =>
    shape("rect", { x: n % 2 ? 0 : 40 * random(), y: 14 + n * 17, width: 60 + random() * 140, height: 5 }),
  );
}

function dots(random: () => number): Shape[] {
  return Array.from({ length: 11 }, () =>
    shape("circle", { cx: 14 + random() * 172, cy: 14 + random() * 112, r: 5 + random() * 15 }),
  );
}

function waves(random: () => number): Shape[] {
  const lift = 12 + random() * 26;
  return [0, 1, 2, 3].map((n) =>
    shape("path", {
      d: `M-10 ${36 + n * 24}q52 ${-lift} 105 0t105 0`,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 6 - n,
    }),
  );
}

function bolts(random: () => number): Shape[] {
  const x = 30 + random() * 60;
  return [0, 1, 2].map((n) => shape("path", { d: `M${x + n * 42} -6l${26} 0l-46 150l-26 0z` }));
}

function hills(random: () => number): Shape[] {
  const [a, b] = [40 + random() * 60, 90 + random() * 60];
  return [
    shape("circle", { cx: 150 - random() * 100, cy: 40, r: 16 }),
    shape("path", { d: `M0 142L${a} 62L${a + 50} 142z` }),
    shape("path", { d: `M${a + 20} 142L${b + 20} 84L200 142z` }),
  ];
}

function panes(random: () => number): Shape[] {
  return Array.from({ length: 4 }, (_, n) =>
    shape("rect", { x: 20 + n * 42, y: 20 + random() * 50, width: 30, height: 50 + random() * 50 }),
  );
}
