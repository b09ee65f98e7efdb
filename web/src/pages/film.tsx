import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { ApiError, client, data, viewer, wished } from "../api";
import { Icon, Marked } from "../card";
import { config } from "../config";
import { useListInfo, useTitle } from "../hooks";
import { language, nameOf, useStrings } from "../i18n";
import { mark, marks, type Source, takeOff } from "../marks";
import { Poster } from "../poster";
import { Row, RowSkeletons } from "../row";
import { Stars } from "../stars";
import { useStore } from "../store";
import { Trouble } from "../trouble";
import type { Schemas } from "movierec-client";

/** A film: what is known of it, what is like it, why it is shown, and what the viewer says of it. */
export default function FilmPage({ id }: { id: string }) {
  const t = useStrings();
  const who = useStore(viewer);
  const tag = useStore(language);
  const details = useQuery({
    queryKey: ["film", id, who?.id ?? "", tag],
    queryFn: () => data(client.GET("/movies/{movie_id}", { params: { path: { movie_id: id }, query: wished() } })),
  });
  const similar = useQuery({
    queryKey: ["lists", "similar", id, who?.id ?? "", tag],
    queryFn: () => data(client.GET("/similar/{movie_id}", { params: { path: { movie_id: id }, query: { top_k: 18, titles: true, ...wished() } } })),
    staleTime: Infinity,
  });
  const film = details.data;
  const isMissing = details.error instanceof ApiError && details.error.status === 404;
  useTitle(isMissing ? t.film.missing : (film?.title ?? ""));
  const list = similar.data;
  useListInfo(list && { what: t.film.similar, source: list.source, model: list.model_version, degraded: list.degraded, removed: list.removed });

  if (details.isError) {
    return isMissing ? (
      <div className="trouble"><h1>{t.film.missing}</h1><p>{t.film.missingHint}</p><Link className="primary" href="/search">{t.search.title}</Link></div>
    ) : (
      <Trouble error={details.error} retry={() => void details.refetch()} />
    );
  }
  return (
    <>
      <article className="film">
        <div className="film-poster">{film ? <Poster film={film} /> : <i className="skeleton poster" />}</div>
        <div className="film-text">
          {film ? (
            <>
              <h1>{film.title} {film.year !== null && <span className="year">{film.year}</span>}</h1>
              {film.original_title && film.original_title !== film.title && <p className="small">{film.original_title}</p>}
              <Facts film={film} />
              {film.overview && <p className="overview">{film.overview}</p>}
              <Says film={film} />
              <Why film={film} />
            </>
          ) : (
            <><h1><i className="skeleton line" /></h1><i className="skeleton block" /></>
          )}
        </div>
      </article>
      {similar.isPending && <RowSkeletons rows={1} />}
      {list && list.similar.length > 0 && (
        <Row id="similar" title={t.film.similar} heading={t.film.similar} films={list.similar} recommendationId={list.recommendation_id} eager
          seeAll={list.next ? { method: "GET", path: `/similar/${encodeURIComponent(id)}`, cursor: list.next } : null} />
      )}
      {film && config.staff && <p className="small"><a href={`/admin/catalog/movie/?q=${encodeURIComponent(film.movie_id)}`}>{t.film.admin}</a></p>}
    </>
  );
}

function Facts({ film }: { film: Schemas["MovieDetails"] }) {
  const t = useStrings();
  const facts: [string, ReactNode][] = [];
  if (film.genres.length) facts.push([t.film.genres, links("genres", film.genres)]);
  if (film.directors.length) facts.push([t.film.directors, links("directors", film.directors)]);
  if (film.actors.length) facts.push([t.film.actors, links("actors", film.actors.slice(0, 8))]);
  if (film.runtime) facts.push([t.film.runtime, t.minutes(film.runtime)]);
  facts.push([t.film.certificate, film.certificate || t.film.noCertificate]);
  if (film.language) facts.push([t.film.language, nameOf("language", film.language)]);
  if (film.countries.length) facts.push([t.film.countries, film.countries.map((code) => nameOf("region", code)).join(", ")]);
  return (
    <dl className="facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function links(filter: string, names: string[]): ReactNode {
  return names.map((name, index) => (
    <span key={name}>{index > 0 && ", "}<Link href={`/browse?${filter}=${encodeURIComponent(name)}`}>{name}</Link></span>
  ));
}

interface Word {
  seen: boolean;
  like: boolean;
  not_interested: boolean;
  watchlist: boolean;
  rating: number | null;
}

/** Return what holds of a film by what was reported of it, the newest first. */
export function lastWord(events: Pick<Schemas["HistoryItem"], "kind" | "rating">[]): Word {
  const newest = (kinds: string[]) => events.find((event) => kinds.includes(event.kind))?.kind ?? "";
  const opinion = newest(["like", "unlike", "dislike", "undislike", "not_interested", "interested"]);
  return {
    seen: ["watch", "rewatch", "rating"].includes(newest(["watch", "rewatch", "rating", "unwatch"])),
    like: opinion === "like",
    not_interested: opinion === "not_interested" || opinion === "dislike",
    watchlist: events.some((event) => event.kind === "watchlist"),
    rating: events.find((event) => event.kind === "rating")?.rating ?? null,
  };
}

/** What the viewer says of the film. */
function Says({ film }: { film: Schemas["MovieDetails"] }) {
  const t = useStrings();
  const who = useStore(viewer);
  const made = useStore(marks)[film.movie_id];
  const history = useQuery({
    queryKey: ["mine", "film", film.movie_id, who?.id ?? ""],
    enabled: who !== null && who !== undefined,
    queryFn: async () => {
      const path = { user_id: String(who?.id ?? "") };
      return (await data(client.GET("/users/{user_id}/history", { params: { path, query: { movie_id: film.movie_id } } }))).results;
    },
  });
  const from = (useHistoryState() ?? {}) as Source;
  if (!who) return <p className="small">{t.act.cannot} <Link href="/viewers">{t.chooser.title}</Link></p>;
  const word = lastWord([...(made ? [{ kind: made.kind, rating: made.rating ?? null }] : []), ...(history.data ?? [])]);
  const id = film.movie_id;
  return (
    <div className="says">
      <div className="says-buttons" role="group" aria-label={t.act.marks(film.title)}>
        <button type="button" aria-pressed={word.seen} onClick={() => void mark(id, word.seen ? "unwatch" : "watch", from)}><Icon name="watch" /> {t.act.watch}</button>
        <button type="button" aria-pressed={word.like} onClick={() => void mark(id, word.like ? "unlike" : "like", from)}><Icon name="like" /> {t.act.like}</button>
        <button type="button" aria-pressed={word.watchlist} onClick={() => void (word.watchlist ? takeOff(id, "watchlist") : mark(id, "watchlist", from))}><Icon name="watchlist" /> {t.act.watchlist}</button>
        <button type="button" aria-pressed={word.not_interested} onClick={() => void mark(id, word.not_interested ? "interested" : "not_interested", from)}><Icon name="not_interested" /> {t.act.not_interested}</button>
      </div>
      <Stars value={word.rating} onChange={(stars) => void mark(id, "rating", from, stars)} />
      {made && <Marked movieId={id} made={made} title={film.title} />}
    </div>
  );
}

/** The API's reasons: the film is asked for in a list that holds little else, with its explanation. */
function Why({ film }: { film: Schemas["MovieDetails"] }) {
  const t = useStrings();
  const who = useStore(viewer);
  const tag = useStore(language);
  const [asked, setAsked] = useState(false);
  const from = (useHistoryState() as { row?: string } | null)?.row;
  const reasons = useQuery({
    queryKey: ["lists", "why", film.movie_id, who?.id ?? "", tag],
    enabled: asked && Boolean(who),
    queryFn: async () => {
      const near = film.directors[0] ? { directors: [film.directors[0]] } : film.genres[0] ? { genres: [film.genres[0]] } : {};
      const years = film.year === null ? {} : { min_year: film.year, max_year: film.year };
      const body = { ...near, ...years, top_k: 50, final_k: 50, explain: true, seen: "include" as const, ...wished() };
      const answer = await data(client.POST("/recommend/filtered", { body }));
      return { found: answer.recommendations.find((one) => one.movie_id === film.movie_id), source: answer.source };
    },
  });
  if (!who) return null;
  const found = reasons.data?.found;
  const because = found?.because ?? [];
  return (
    <details className="why" onToggle={(event) => event.currentTarget.open && setAsked(true)}>
      <summary>{t.film.because}</summary>
      <div className="why-text">
        {from && <p>{t.film.row(from)}</p>}
        {reasons.isError && <Trouble error={reasons.error} retry={() => void reasons.refetch()} />}
        {reasons.isFetching && <i className="skeleton line" />}
        {found?.fact && <p>{found.fact}</p>}
        {because.length > 0 && (
          <>
            <p>{t.film.because_of}</p>
            <ul>{because.map((cause) => <li key={cause.movie_id}><Link href={`/film/${encodeURIComponent(cause.movie_id)}`}>{cause.title}</Link></li>)}</ul>
          </>
        )}
        {reasons.data && because.length === 0 && !found?.fact && <p>{reasons.data.source === "popular" ? t.film.popular : t.film.nothing}</p>}
      </div>
    </details>
  );
}
