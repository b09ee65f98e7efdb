import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, type KeyboardEvent } from "react";
import { Link, useSearchParams } from "wouter";
import { client, data, viewer, wished } from "../api";
import { useSettled, useTitle } from "../hooks";
import { language, useStrings } from "../i18n";
import { Poster } from "../poster";
import { useStore } from "../store";
import { Trouble } from "../trouble";

const RESULTS = 24;

/** Search as one types. The arrow keys go through the results. */
export default function Search() {
  const t = useStrings();
  const who = useStore(viewer);
  const tag = useStore(language);
  const [params, setParams] = useSearchParams();
  const text = params.get("q") ?? "";
  const settled = useSettled(text.trim(), 150);
  const list = useRef<HTMLUListElement>(null);
  const field = useRef<HTMLInputElement>(null);
  useTitle(text ? `${t.search.title}: ${text}` : t.search.title);
  useEffect(() => field.current?.focus(), []);
  const found = useQuery({
    queryKey: ["search", settled, who?.id ?? "", tag],
    enabled: settled !== "",
    placeholderData: (before) => before,
    queryFn: () => data(client.GET("/movies", { params: { query: { search: settled.slice(0, 100), page_size: RESULTS, ...wished() } } })),
  });
  const films = settled === "" ? [] : (found.data?.results ?? []);

  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    const links = [...(list.current?.querySelectorAll<HTMLElement>("a") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement) + step;
    event.preventDefault();
    (at < 0 ? field.current : links[Math.min(at, links.length - 1)])?.focus();
  };

  return (
    <div className="search" onKeyDown={move} role="search">
      <h1>{t.search.title}</h1>
      <label className="search-field">
        <span className="hidden">{t.search.label}</span>
        <input ref={field} type="search" value={text} placeholder={t.search.label} maxLength={100} autoComplete="off" enterKeyHint="search"
          onChange={(event) => setParams(event.target.value ? { q: event.target.value } : {}, { replace: true })} />
      </label>
      <p className="small" role="status">
        {settled === "" ? t.search.hint : found.isSuccess && !found.isPlaceholderData ? (films.length ? t.search.results(films.length) : t.search.none(settled)) : ""}
      </p>
      {found.isError && <Trouble error={found.error} retry={() => void found.refetch()} />}
      <ul className="results" ref={list}>
        {films.map((film) => (
          <li key={film.movie_id}>
            <Link href={`/film/${encodeURIComponent(film.movie_id)}`}>
              <Poster film={film} />
              <span><b>{film.title}</b><span className="small">{[film.year, film.genres.join(", ")].filter(Boolean).join(" · ")}</span></span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
