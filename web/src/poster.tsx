import { memo, useState } from "react";
import { allowedPoster } from "./config";
import { useStrings } from "./i18n";
import { draw, type Drawn, HEIGHT, WIDTH } from "./poster-drawing";

/** A film's poster: a drawn one; over it the picture, where the site has one, lets it be shown, and it comes. */
export const Poster = memo(function Poster({ film }: { film: Drawn & { poster_url?: string } }) {
  const address = allowedPoster(film.poster_url);
  const [broken, setBroken] = useState("");
  if (!address || broken === address) return <DrawnPoster film={film} />;
  return (
    <span className="poster framed">
      <DrawnPoster film={film} />
      <img src={address} alt="" width={WIDTH} height={HEIGHT} loading="lazy" decoding="async" referrerPolicy="no-referrer"
        onError={() => setBroken(address)} />
    </span>
  );
});

function DrawnPoster({ film }: { film: Drawn }) {
  const drawing = draw(film, useStrings().poster.untitled);
  const name = `${drawing.top}${drawing.bottom}`.replace(/\W/g, "");
  const first = HEIGHT - 42 - (drawing.lines.length - 1) * drawing.size * 1.12;
  return (
    <svg className="poster" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" focusable="false">
      <defs>
        <linearGradient id={name} x2="0" y2="1">
          <stop offset="0" stopColor={drawing.top} />
          <stop offset="1" stopColor={drawing.bottom} />
        </linearGradient>
      </defs>
      <rect width={WIDTH} height={HEIGHT} fill={`url(#${name})`} />
      <g color={drawing.ink} fill="currentColor" opacity="0.42">
        {drawing.shapes.map(({ tag: Tag, attributes: { "stroke-width": strokeWidth, ...attributes } }, index) => (
          <Tag key={index} {...attributes} {...(strokeWidth === undefined ? {} : { strokeWidth })} />
        ))}
      </g>
      <g className={drawing.serif ? "serif" : undefined} fill="#fff" fontSize={drawing.size} fontWeight="700" direction="ltr">
        {drawing.lines.map((line, index) => (
          <text key={index} x="14" y={first + index * drawing.size * 1.12}>{line}</text>
        ))}
      </g>
      <text x="14" y={HEIGHT - 14} fill="#fff" opacity="0.85" fontSize="20" direction="ltr">{drawing.year}</text>
    </svg>
  );
}
