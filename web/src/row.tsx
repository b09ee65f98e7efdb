import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { follow, wished } from "./api";
import { Card, type Film, Icon } from "./card";
import { useNear } from "./hooks";
import { useStrings } from "./i18n";
import type { Schemas } from "movierec-client";

interface RowProps {
  id: string;
  title: string;
  heading: ReactNode;
  reason?: string | undefined;
  films: Film[];
  recommendationId: string;
  seeAll?: Schemas["SeeAll"] | null | undefined;
  eager?: boolean;
}

/** A row of films that scrolls sideways. It is drawn when it comes near the window, and goes on at its end. */
export function Row({ id, title, heading, reason, films, recommendationId, seeAll, eager = false }: RowProps) {
  const t = useStrings();
  const [place, near] = useNear<HTMLElement>();
  const strip = useRef<HTMLUListElement>(null);
  const [ends, setEnds] = useState({ start: true, end: false });
  const [further, setFurther] = useState<Film[]>([]);
  const cursor = useRef<string | null>(null);
  const reading = useRef(false);
  const shown = near || eager;

  const goOn = useCallback(async () => {
    if (!seeAll || reading.current || cursor.current === "") return;
    reading.current = true;
    try {
      const page = await follow<{ recommendations?: Film[]; similar?: Film[]; next: string | null }>(seeAll.method, seeAll.path, {
        cursor: cursor.current ?? seeAll.cursor,
        ...(seeAll.path === "/recommend/filtered" ? wished() : { ...wished(), titles: true }),
      });
      cursor.current = page.next ?? "";
      setFurther((former) => [...former, ...(page.recommendations ?? page.similar ?? [])]);
    } catch {
      cursor.current = ""; // the row ends here; the next visit has a new one
    } finally {
      reading.current = false;
    }
  }, [seeAll]);

  const look = useCallback(() => {
    const list = strip.current;
    if (!list) return;
    const gone = Math.abs(list.scrollLeft);
    const end = gone + list.clientWidth >= list.scrollWidth - 8;
    setEnds({ start: gone < 8, end: end && (!seeAll || cursor.current === "") });
    if (gone > 0 && gone + list.clientWidth * 2 > list.scrollWidth) void goOn();
  }, [goOn, seeAll]);

  useEffect(look, [look, shown, further.length]);

  const scroll = (pages: number) => {
    const list = strip.current;
    if (!list) return;
    const sign = getComputedStyle(list).direction === "rtl" ? -1 : 1;
    list.scrollBy({ left: sign * pages * list.clientWidth * 0.85 });
  };

  return (
    <section className="row" ref={place} aria-labelledby={`row-${id}`} data-row={id}>
      <div className="row-head">
        <div>
          <h2 id={`row-${id}`}>{heading}</h2>
          {reason && <p className="reason">{reason}</p>}
        </div>
        <div className="arrows">
          <button type="button" disabled={ends.start} onClick={() => scroll(-1)} aria-label={t.earlier(title)}><Icon name="back" /></button>
          <button type="button" disabled={ends.end} onClick={() => scroll(1)} aria-label={t.later(title)}><Icon name="on" /></button>
        </div>
      </div>
      <ul className="strip" ref={strip} onScroll={look} aria-labelledby={`row-${id}`}>
        {shown
          ? [...films, ...further].map((film, position) => (
              <Card key={film.movie_id} film={film} place={{ recommendationId, position, row: title }} />
            ))
          : films.slice(0, 8).map((film) => <li key={film.movie_id} className="card skeleton-card" aria-hidden="true"><i className="skeleton poster" /></li>)}
      </ul>
    </section>
  );
}

/** Rows that are still to come, in their size. */
export function RowSkeletons({ rows = 3 }: { rows?: number }) {
  const t = useStrings();
  return (
    <div role="status" aria-label={t.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <div className="row" key={row} aria-hidden="true">
          <div className="row-head"><div><i className="skeleton line" /><i className="skeleton line short" /></div></div>
          <div className="strip">
            {Array.from({ length: 9 }, (_, card) => (
              <div className="card skeleton-card" key={card}><i className="skeleton poster" /></div>
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

export function GridSkeleton({ cards = 12 }: { cards?: number }) {
  const t = useStrings();
  return (
    <div className="grid" role="status" aria-label={t.loading}>
      {Array.from({ length: cards }, (_, card) => (
        <div className="card skeleton-card" key={card} aria-hidden="true"><i className="skeleton poster" /></div>
      ))}
    </div>
  );
}

/** Films side by side, as many as fit. */
export function Grid({ films, recommendationId = "", row = "", label, extra }: {
  films: Film[];
  recommendationId?: string;
  row?: string;
  label: string;
  extra?: (film: Film) => ReactNode;
}) {
  return (
    <ul className="grid" aria-label={label}>
      {films.map((film, position) => (
        <Card key={film.movie_id} film={film} place={{ recommendationId, position, row }}>{extra?.(film)}</Card>
      ))}
    </ul>
  );
}
