import { useEffect, useRef, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { allowedPoster } from "./config";
import { reportClick, watchImpression } from "./events";
import { useStrings } from "./i18n";
import { described, mark, type Mark, marks, undo, UNDO_SECONDS } from "./marks";
import { Poster } from "./poster";
import { useStore } from "./store";

export interface Film {
  movie_id: string;
  title?: string | null;
  year?: number | null;
  genres?: string[];
  poster_url?: string;
  completion?: number;
}
/** Where a film is shown: what its impressions and clicks say. */
export interface Place {
  recommendationId: string;
  position: number;
  row: string; // its title
}

/** A film of a list: its poster, which leads to its page, and what can be said of it. */
export function Card({ film, place, children }: { film: Film; place?: Place; children?: ReactNode }) {
  const t = useStrings();
  const box = useRef<HTMLLIElement>(null);
  const made = useStore(marks)[film.movie_id];
  const title = film.title ?? t.poster.untitled;
  const recommendationId = place?.recommendationId ?? "";
  const position = place?.position ?? 0;
  useEffect(
    () => (box.current ? watchImpression(box.current, film.movie_id, recommendationId, position) : undefined),
    [film.movie_id, recommendationId, position],
  );
  const drawn = { title, year: film.year ?? null, genres: film.genres ?? [], ...(film.poster_url ? { poster_url: film.poster_url } : {}) };
  return (
    <li className={made ? "card marked" : "card"} ref={box} data-film={film.movie_id}>
      <Link
        href={`/film/${encodeURIComponent(film.movie_id)}`}
        state={place ? { row: place.row, recommendationId } : undefined}
        aria-label={film.year ? `${title} (${film.year})` : title}
        onClick={() => place && reportClick(film.movie_id, place.recommendationId, place.position)}
      >
        <Poster film={drawn} />
        {film.completion !== undefined && (
          <progress value={film.completion} max={1} aria-label={t.home.watched(Math.round(film.completion * 100))} />
        )}
        {allowedPoster(film.poster_url) && <span className="card-title" aria-hidden="true">{title}</span>}
      </Link>
      {made ? <Marked movieId={film.movie_id} made={made} title={title} /> : <Acts movieId={film.movie_id} title={title} recommendationId={recommendationId} />}
      {children}
    </li>
  );
}

function Acts({ movieId, title, recommendationId }: { movieId: string; title: string; recommendationId: string }) {
  const t = useStrings();
  return (
    <div className="acts" role="group" aria-label={t.act.marks(title)}>
      {(["watch", "like", "watchlist", "not_interested"] as const).map((kind) => (
        <button key={kind} type="button" onClick={() => void mark(movieId, kind, { recommendationId })} title={t.act[kind]} aria-label={`${t.act[kind]}: ${title}`}>
          <Icon name={kind} />
        </button>
      ))}
    </div>
  );
}

/** What was done with a film, with an undo for ten seconds. */
export function Marked({ movieId, made, title }: { movieId: string; made: Mark; title: string }) {
  const t = useStrings();
  const [undoable, setUndoable] = useState(true);
  useEffect(() => {
    const left = made.at + UNDO_SECONDS * 1000 - Date.now();
    setUndoable(left > 0);
    const timer = window.setTimeout(() => setUndoable(false), left);
    return () => window.clearTimeout(timer);
  }, [made.at]);
  return (
    <div className="made">
      <span><Icon name={made.kind} /> {described(made)}{made.waits && "…"}</span>
      {undoable && (
        <button type="button" className="undo" onClick={() => void undo(movieId)} aria-label={`${t.undo}: ${described(made)}, ${title}`}>{t.undo}</button>
      )}
    </div>
  );
}

const PATHS: Record<string, string> = {
  watch: "M4 12.5l5 5L20 6.5",
  like: "M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.2 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10z",
  watchlist: "M6 4h12v16l-6-4.5L6 20z",
  not_interested: "M6 6l12 12M18 6L6 18",
  rating: "M12 4l2.4 5.2 5.6.7-4.1 3.9 1.1 5.6-5-2.8-5 2.8 1.1-5.6L4 9.9l5.6-.7z",
  search: "M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13zM15.5 15.5L21 21",
  back: "M15 5l-7 7 7 7",
  on: "M9 5l7 7-7 7",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.500 1.500 7.500 5.500",
  gear: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  people: "M9 12a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 19.500c.8-3.300 3.300-4.500 6.500-4.500s5.700 1.200 6.500 4.500M16 12a3 3 0 1 0-1-5.800M18 15c2 .6 3.200 2 3.600 4.500",
  plus: "M12 5v14M5 12h14",
};

export function Icon({ name }: { name: string }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={PATHS[name] ?? PATHS.watch} fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
