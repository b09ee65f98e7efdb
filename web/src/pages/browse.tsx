import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { client, data, viewer, wished } from "../api";
import { useListInfo, useReached, useSettled, useTitle } from "../hooks";
import { language, nameOf, useStrings } from "../i18n";
import { Range, Slider } from "../range";
import { Grid, GridSkeleton } from "../row";
import { useStore } from "../store";
import { Trouble } from "../trouble";
import type { Schemas } from "movierec-client";

const YEARS = { low: 1900, high: new Date().getFullYear() + 1, step: 1 };
const RUNTIMES = { low: 40, high: 240, step: 5 }; // minutes
const AGES = [0, 6, 12, 16];
const PAGE = 30;
const LISTS = ["genres", "exclude_genres", "languages", "actors", "directors"] as const;
const NUMBERS = ["min_year", "max_year", "min_runtime", "max_runtime", "age_limit"] as const;
type ListName = (typeof LISTS)[number];
type NumberName = (typeof NUMBERS)[number];
type Page = Schemas["FilteredAnswer"] | Schemas["ChartAnswer"];
type Wish = Partial<Record<ListName, string[]>> & Partial<Record<NumberName, number>>;

/** The filters; they stand in the page's address. */
export default function Browse() {
  const t = useStrings();
  const who = useStore(viewer);
  const tag = useStore(language);
  const [params, setParams] = useSearchParams();
  useTitle(t.browse.title);
  const query = params.toString();
  const wish = useMemo(() => read(new URLSearchParams(query)), [query]);
  const diversity = Number(params.get("diversity") ?? 0);

  const write = (name: string, values: (string | number)[]) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        next.delete(name);
        for (const value of values) next.append(name, String(value));
        return next;
      },
      { replace: true },
    );

  const lists = useInfiniteQuery({
    queryKey: ["lists", "browse", who?.id ?? "", tag, wish, diversity],
    staleTime: Infinity,
    initialPageParam: "",
    getNextPageParam: (page: Page) => page.next ?? undefined,
    queryFn: ({ pageParam }): Promise<Page> => {
      if (!who) {
        const query = pageParam ? { cursor: pageParam, titles: true, top_k: PAGE, ...wished() } : { ...wish, titles: true, top_k: PAGE, ...wished() };
        return data(client.GET("/popular", { params: { query } }));
      }
      const body = pageParam ? { cursor: pageParam, final_k: PAGE } : { ...wish, diversity, top_k: 200, final_k: PAGE };
      return data(client.POST("/recommend/filtered", { body: { ...body, ...wished() } }));
    },
  });
  const films = useMemo(() => lists.data?.pages.flatMap((page) => page.recommendations) ?? [], [lists.data]);
  const first = lists.data?.pages[0];
  useListInfo(first && { what: t.browse.title, source: first.source, model: first.model_version, degraded: first.degraded, removed: first.removed });
  const count = useCount(wish);
  const isEmpty = lists.isSuccess && films.length === 0;
  const reached = useReached(() => lists.hasNextPage && !lists.isFetchingNextPage && void lists.fetchNextPage(), films.length > 0);

  return (
    <>
      <div className="page-head"><h1>{t.browse.title}</h1></div>
      <Filters wish={wish} diversity={diversity} write={write} reset={() => setParams(new URLSearchParams(), { replace: true })} />
      <p className="found" role="status">{count !== undefined && !isEmpty && t.browse.found(count)}</p>
      {lists.isError && <Trouble error={lists.error} retry={() => void lists.refetch()} />}
      {lists.isPending && <GridSkeleton />}
      {isEmpty && <Empty wish={wish} reason={first?.reason} write={write} />}
      <div>
        {films.length > 0 && <Grid films={films} label={t.browse.title} row={t.browse.title} recommendationId={first?.recommendation_id ?? ""} />}
        <div ref={reached} />
        {lists.isFetchingNextPage && <GridSkeleton cards={6} />}
        {lists.hasNextPage && (
          <button type="button" aria-disabled={lists.isFetchingNextPage} onClick={() => void (lists.isFetchingNextPage || lists.fetchNextPage())}>{t.browse.loadMore}</button>
        )}
      </div>
      {lists.isSuccess && !lists.hasNextPage && !isEmpty && <p className="small">{t.browse.end}</p>}
    </>
  );
}

function read(params: URLSearchParams): Wish {
  const wish: Wish = {};
  for (const name of LISTS) if (params.has(name)) wish[name] = params.getAll(name);
  for (const name of NUMBERS) if (/^\d{1,4}$/.test(params.get(name) ?? "")) wish[name] = Number(params.get(name));
  return wish;
}

/** Return the filters as GET /movies has them. */
function ofCatalogue({ actors, directors, ...wish }: Wish) {
  const people = [...(actors ?? []), ...(directors ?? [])];
  return people.length ? { ...wish, people } : wish;
}

/** Return how many films fit: of the catalogue, before what the viewer has seen. */
function useCount(wish: Wish): number | undefined {
  const counted = useQuery({
    queryKey: ["count", wish],
    queryFn: () => data(client.GET("/movies", { params: { query: { ...ofCatalogue(wish), facets: "decades", page_size: 1 } } })),
  });
  const decades = counted.data?.facets?.decades;
  const within = (decade: number) => decade >= (wish.min_year ?? 0) && decade <= (wish.max_year ?? 9999);
  return decades?.filter(({ value }) => within(Number.parseInt(value, 10))).reduce((sum, { films }) => sum + films, 0);
}

type Write = (name: string, values: (string | number)[]) => void;

function Filters({ wish, diversity, write, reset }: { wish: Wish; diversity: number; write: Write; reset: () => void }) {
  const t = useStrings();
  const tag = useStore(language);
  const who = useStore(viewer);
  const genres = useQuery({ queryKey: ["genres", tag], staleTime: Infinity, queryFn: () => data(client.GET("/genres", { params: { query: wished() } })) });
  const languages = useQuery({
    queryKey: ["languages"],
    staleTime: Infinity,
    queryFn: async () => (await data(client.GET("/movies", { params: { query: { facets: "languages", page_size: 1 } } }))).facets?.languages ?? [],
  });
  const active = Object.values(wish).flat().length + Number(diversity > 0);
  const number = (name: NumberName, value: number | undefined) => write(name, value === undefined ? [] : [value]);
  const [isWide] = useState(() => window.matchMedia("(min-width: 48rem)").matches); // on a phone the films come first
  const turn = (genre: string) => {
    const any = wish.genres ?? [];
    const none = wish.exclude_genres ?? [];
    if (any.includes(genre)) {
      write("genres", any.filter((one) => one !== genre));
      write("exclude_genres", [...none, genre]);
    } else if (none.includes(genre)) write("exclude_genres", none.filter((one) => one !== genre));
    else write("genres", [...any, genre]);
  };
  return (
    <details className="filters" open={isWide}>
      <summary>{t.browse.filters}{active > 0 && ` (${active})`}</summary>
      <div className="filter-grid">
        <fieldset className="wide">
          <legend>{t.browse.genres} <span className="small">{t.browse.hint}</span></legend>
          <div className="chips">
            {genres.data?.results.map(({ name }) => {
              const state = wish.genres?.includes(name) ? "any" : wish.exclude_genres?.includes(name) ? "none" : "off";
              return (
                <button key={name} type="button" className={`chip ${state}`} aria-pressed={state === "off" ? false : state === "any" ? true : "mixed"}
                  aria-label={t.browse[state](name)} onClick={() => turn(name)}>
                  {state === "none" && "− "}{state === "any" && "+ "}{name}
                </button>
              );
            })}
          </div>
        </fieldset>
        <Range {...YEARS} label={t.browse.years} from={t.browse.from} to={t.browse.to} any={t.browse.all} text={String}
          value={[wish.min_year, wish.max_year]} onChange={([from, to]) => { number("min_year", from); number("max_year", to); }} />
        <Range {...RUNTIMES} label={t.browse.runtime} from={t.browse.from} to={t.browse.to} any={t.browse.all} text={t.minutes}
          value={[wish.min_runtime, wish.max_runtime]} onChange={([from, to]) => { number("min_runtime", from); number("max_runtime", to); }} />
        <fieldset>
          <legend>{t.browse.languages}</legend>
          <select aria-label={t.browse.languages} value={wish.languages?.[0] ?? ""} onChange={(event) => write("languages", event.target.value ? [event.target.value] : [])}>
            <option value="">{t.browse.all}</option>
            {languages.data?.map(({ value }) => <option key={value} value={value}>{nameOf("language", value)}</option>)}
          </select>
        </fieldset>
        <fieldset>
          <legend>{t.browse.certificate}</legend>
          <select aria-label={t.browse.certificate} value={wish.age_limit ?? ""} onChange={(event) => number("age_limit", event.target.value ? Number(event.target.value) : undefined)}>
            <option value="">{t.browse.all}</option>
            {AGES.map((age) => <option key={age} value={age}>{age === 0 ? t.browse.everyAge : t.browse.years_old(age)}</option>)}
          </select>
        </fieldset>
        <People wish={wish} write={write} />
        {who && (
          <Slider label={t.browse.diversity} value={diversity} low={t.browse.same} high={t.browse.surprise}
            onChange={(value) => write("diversity", value === 0 ? [] : [value])} />
        )}
        <button type="button" className="reset" onClick={reset}>{t.browse.reset}</button>
      </div>
    </details>
  );
}

/** People whose films to show: typed, looked up, chosen as an actor or a director. */
function People({ wish, write }: { wish: Wish; write: Write }) {
  const t = useStrings();
  const [text, setText] = useState("");
  const settled = useSettled(text.trim(), 200);
  const found = useQuery({
    queryKey: ["people", settled],
    enabled: settled.length > 1,
    queryFn: () => data(client.GET("/people", { params: { query: { search: settled, page_size: 6 } } })),
  });
  const chosen = (["actors", "directors"] as const).flatMap((role) => (wish[role] ?? []).map((name) => ({ role, name })));
  const field = useRef<HTMLInputElement>(null);
  const add = (role: "actors" | "directors", name: string) => {
    write(role, [...(wish[role] ?? []), name]);
    setText("");
    field.current?.focus();
  };
  return (
    <fieldset className="people">
      <legend>{t.browse.people}</legend>
      <input ref={field} type="search" value={text} onChange={(event) => setText(event.target.value)} placeholder={t.browse.peopleHint} aria-label={t.browse.peopleHint} />
      {settled.length > 1 && text !== "" && (
        <ul className="suggestions">
          {found.data?.results.map(({ name }) => (
            <li key={name}>
              <span>{name}</span>
              {(["actors", "directors"] as const).map((role) => (
                <button key={role} type="button" onClick={() => add(role, name)} aria-label={`${name}, ${t.browse.person[role]}`}>{t.browse.person[role]}</button>
              ))}
            </li>
          ))}
        </ul>
      )}
      <div className="chips">
        {chosen.map(({ role, name }) => (
          <button key={role + name} type="button" className="chip any" aria-label={t.browse.remove(name)}
            onClick={() => write(role, (wish[role] ?? []).filter((one) => one !== name))}>
            {name} <span className="small">{t.browse.person[role]}</span> ×
          </button>
        ))}
      </div>
    </fieldset>
  );
}

/** Nothing fits: which filter to leave out, and how many films there are without it. */
function Empty({ wish, reason, write }: { wish: Wish; reason: string | undefined; write: Write }) {
  const t = useStrings();
  const names: Record<string, string> = {
    genres: t.browse.genres,
    exclude_genres: t.browse.genres,
    languages: t.browse.languages,
    actors: t.browse.people,
    directors: t.browse.people,
    min_year: `${t.browse.years} ${t.browse.from}`,
    max_year: `${t.browse.years} ${t.browse.to}`,
    min_runtime: `${t.browse.runtime} ${t.browse.from}`,
    max_runtime: `${t.browse.runtime} ${t.browse.to}`,
    age_limit: t.browse.certificate,
  };
  const active = Object.keys(wish) as (ListName | NumberName)[];
  const without = useQueries({
    queries: active.map((name) => {
      const { [name]: _, ...rest } = wish;
      return {
        queryKey: ["fits", rest],
        queryFn: async () => (await data(client.GET("/movies", { params: { query: { ...ofCatalogue(rest), page_size: 1 } } }))).results.length > 0,
      };
    }),
  });
  const isKnown = without.every((query) => !query.isPending); // a filter that is offered too early may not help
  const helps = active.filter((_, index) => without[index]?.data);
  return (
    <div className="trouble">
      <h2>{t.browse.empty}</h2>
      {reason && <p className="small">{reason.replace(/[a-z_]+/g, (word) => names[word] ?? word)}</p>}
      <div className="chips">
        {isKnown && (helps.length ? helps : active).map((name) => (
          <button key={name} type="button" className="primary" onClick={() => write(name, [])}>
            {t.browse.drop(names[name] ?? name)} ({[wish[name]].flat().join(", ")})
          </button>
        ))}
      </div>
    </div>
  );
}
