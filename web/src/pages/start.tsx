import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { client, data, viewer, wished } from "../api";
import { newEventId, report } from "../events";
import { useListInfo, useSettled, useTitle } from "../hooks";
import { language, useStrings } from "../i18n";
import { queries, say } from "../marks";
import { Poster } from "../poster";
import { Grid, GridSkeleton } from "../row";
import { useStore } from "../store";
import { Trouble } from "../trouble";
import type { Film } from "../card";

const KNOWN = 150; // popular films to pick from
const SHOWN = window.matchMedia("(min-width: 48rem)").matches ? 12 : 6; // on a phone the list stays in sight
const ENOUGH = 3;

/** Somebody new: they pick a few films, and the list moves with each. */
export default function Start() {
  const t = useStrings();
  const tag = useStore(language);
  const who = useStore(viewer);
  const [, go] = useLocation();
  const [picked, setPicked] = useState<Film[]>([]);
  const [skipped, setSkipped] = useState<string[]>([]);
  const [text, setText] = useState("");
  const settled = useSettled(text.trim(), 150);
  const [isSending, setSending] = useState(false);
  useTitle(t.start.title);
  const known = useQuery({
    queryKey: ["known", tag],
    staleTime: Infinity,
    queryFn: () => data(client.GET("/popular", { params: { query: { top_k: KNOWN, titles: true, ...wished() } } })),
  });
  const found = useQuery({
    queryKey: ["search", settled, tag],
    enabled: settled !== "",
    queryFn: () => data(client.GET("/movies", { params: { query: { search: settled.slice(0, 100), page_size: SHOWN, ...wished() } } })),
  });
  const ids = picked.map((film) => film.movie_id);
  const list = useQuery({
    queryKey: ["lists", "start", ids, tag],
    enabled: ids.length > 0,
    placeholderData: (before) => before,
    queryFn: () => data(client.POST("/recommend", { body: { history: ids, top_k: 12, titles: true, ...wished() } })),
  });
  useListInfo(list.data && { what: t.start.list, source: list.data.source, model: list.data.model_version, degraded: list.data.degraded, removed: list.data.removed });

  const choices: Film[] = useMemo(() => diverse((known.data?.recommendations ?? []) as Film[]), [known.data]);
  const gone = new Set([...ids, ...skipped]);
  const offered = (settled ? (found.data?.results ?? []) : choices).filter((film) => !gone.has(film.movie_id)).slice(0, SHOWN);

  const finish = async () => {
    setSending(true);
    try {
      for (const film of picked) {
        await report({ movie_id: film.movie_id, kind: "like", event_id: newEventId(), occurred_at: new Date().toISOString() });
        await report({ movie_id: film.movie_id, kind: "watch", event_id: newEventId(), occurred_at: new Date().toISOString() });
      }
      queries.clear();
      go("/");
    } catch {
      say(t.act.failed);
      setSending(false);
    }
  };

  if (known.isError) return <Trouble error={known.error} retry={() => void known.refetch()} />;
  return (
    <>
      <div className="page-head"><h1>{t.start.title}</h1></div>
      <p className="lead">{t.start.intro}</p>
      <div className="start-bar">
        <input type="search" value={text} onChange={(event) => setText(event.target.value)} placeholder={t.start.searchLabel} aria-label={t.start.searchLabel} />
        <span role="status">{t.start.picked(picked.length)}</span>
        <button type="button" className="primary" disabled={picked.length < ENOUGH || isSending || !who} onClick={() => void finish()}>{t.start.done}</button>
      </div>
      {known.isPending ? <GridSkeleton /> : (
        <ul className="grid small-grid" aria-label={t.start.title}>
          {offered.map((film) => (
            <li className="card" key={film.movie_id} data-film={film.movie_id}>
              <button type="button" className="pick" aria-label={`${t.start.pick}: ${film.title} (${film.year})`} onClick={() => { setPicked([...picked, film]); setText(""); }}>
                <Poster film={{ title: film.title ?? null, year: film.year ?? null, genres: film.genres ?? [] }} />
                <span className="pick-label" aria-hidden="true">{t.start.pick}</span>
              </button>
              <button type="button" className="plain small skip-it" aria-label={`${t.start.skip}: ${film.title}`} onClick={() => setSkipped([...skipped, film.movie_id])}>{t.start.skip}</button>
            </li>
          ))}
        </ul>
      )}
      <h2>{t.start.list}</h2>
      {picked.length > 0 && (
        <div className="chips picked">
          {picked.map((film) => (
            <button key={film.movie_id} type="button" className="chip any" aria-label={t.browse.remove(film.title ?? "")} onClick={() => setPicked(picked.filter((one) => one !== film))}>{film.title} ×</button>
          ))}
        </div>
      )}
      {picked.length === 0 && <p className="small">{t.start.waiting}</p>}
      {picked.length > 0 && list.isError && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {picked.length > 0 && list.data && <Grid films={list.data.recommendations} label={t.start.list} />}
    </>
  );
}

/** Return the films so that each next one shares as little as can be with the last few: the best known come first. */
function diverse(films: Film[]): Film[] {
  const left = [...films];
  const order: Film[] = [];
  while (left.length > 0) {
    const near = order.slice(-6).flatMap((film) => [...(film.genres ?? []), decade(film)]);
    const costs = left.slice(0, 40).map((film, place) => place * 0.15 + near.filter((name) => film.genres?.includes(name) || name === decade(film)).length);
    order.push(...left.splice(costs.indexOf(Math.min(...costs)), 1));
  }
  return order;
}

function decade(film: Film): string {
  return String(Math.floor((film.year ?? 0) / 10));
}
