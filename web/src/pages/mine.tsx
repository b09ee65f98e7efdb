import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { Link } from "wouter";
import { ApiError, client, data, follow, sendRaw, viewer } from "../api";
import { useTitle } from "../hooks";
import { language, nameOf, useStrings } from "../i18n";
import { become, described, listChanged, queries, takeOff } from "../marks";
import { Poster } from "../poster";
import { keep, kept, useStore } from "../store";
import { Trouble } from "../trouble";
import type { Schemas } from "movierec-client";

const TABS = ["history", "ratings", "watchlist", "hidden", "taste", "import", "data"] as const;
const FILM_LISTS = ["history", "ratings", "watchlist", "hidden"] as const;
const FOLLOW_MS = 2_000; // between two looks at a job
type FilmList = (typeof FILM_LISTS)[number];

/** What the viewer did, what is concluded from it, and the way in and out for it. */
export default function Mine({ tab }: { tab: string }) {
  const t = useStrings();
  const who = useStore(viewer);
  const here = TABS.find((name) => name === tab) ?? "history";
  useTitle(`${t.mine.title}: ${t.mine.tabs[here]}`);
  if (!who) {
    return <div className="trouble"><h1>{t.mine.title}</h1><p>{t.mine.nobody}</p><Link className="primary" href="/viewers">{t.chooser.title}</Link></div>;
  }
  const list = FILM_LISTS.find((name) => name === here);
  return (
    <>
      <div className="page-head"><h1>{t.mine.title}</h1></div>
      <nav className="tabs" aria-label={t.mine.title}>
        {TABS.map((name) => <Link key={name} href={`/mine/${name}`} aria-current={name === here ? "page" : undefined}>{t.mine.tabs[name]}</Link>)}
      </nav>
      <h2 className="hidden">{t.mine.tabs[here]}</h2>
      {list && <Films key={list} list={list} who={String(who.id)} />}
      {here === "taste" && <Taste who={String(who.id)} />}
      {here === "import" && <Import key={who.id} who={String(who.id)} />}
      {here === "data" && <Data who={String(who.id)} />}
    </>
  );
}

/** What came of a file. Of a long one not all rows that match no film are listed: `rejected` counts them. */
type Report = Schemas["HistoryAnswer"] & { rejected?: number };

function Films({ list, who }: { list: FilmList; who: string }) {
  const t = useStrings();
  const tag = useStore(language);
  const films = useInfiniteQuery({
    queryKey: ["mine", list, who],
    initialPageParam: "",
    getNextPageParam: (page: Schemas["HistoryPage"]) => page.next ?? undefined,
    queryFn: ({ pageParam }): Promise<Schemas["HistoryPage"]> => {
      if (pageParam) {
        const address = new URL(pageParam, location.href);
        return follow("GET", address.pathname, Object.fromEntries(address.searchParams));
      }
      return data(client.GET(`/users/{user_id}/${list}`, { params: { path: { user_id: who }, query: { page_size: 50 } } }));
    },
  });
  const items = films.data?.pages.flatMap((page) => page.results) ?? [];

  if (films.isError) return <Trouble error={films.error} retry={() => void films.refetch()} />;
  if (films.isPending) return <i className="skeleton block" />;
  if (items.length === 0) return <p className="lead">{t.mine.empty[list]}</p>;
  const day = new Intl.DateTimeFormat(tag, { dateStyle: "medium" });
  return (
    <div>
      <ul className="results">
        {items.map((item, index) => (
          <li key={`${item.movie_id} ${item.kind} ${item.occurred_at} ${index}`}>
            <Link href={`/film/${encodeURIComponent(item.movie_id)}`}>
              <Poster film={item} />
              <span><b>{item.title}</b><span className="small">{described(item)} · {day.format(new Date(item.occurred_at))}</span></span>
            </Link>
            <button type="button" onClick={() => void takeOff(item.movie_id, item.kind)} aria-label={t.mine.takeBackOf(described(item), item.title)}>
              {list === "hidden" ? t.mine.showAgain : t.mine.takeBack}
            </button>
          </li>
        ))}
      </ul>
      {films.hasNextPage && (
        <button type="button" aria-disabled={films.isFetchingNextPage} onClick={() => void (films.isFetchingNextPage || films.fetchNextPage())}>{t.browse.loadMore}</button>
      )}
    </div>
  );
}

/** What the system thinks that the viewer likes, as a picture. */
function Taste({ who }: { who: string }) {
  const t = useStrings();
  const tag = useStore(language);
  const taste = useQuery({
    queryKey: ["mine", "taste", who, tag],
    queryFn: () => data(client.GET("/users/{user_id}/taste", { params: { path: { user_id: who }, query: { language: tag } } })),
  });
  if (taste.isError) return <Trouble error={taste.error} retry={() => void taste.refetch()} />;
  if (taste.isPending) return <i className="skeleton block" />;
  const known = taste.data;
  if (known.films === 0) return <p className="lead">{t.mine.taste.none}</p>;
  const widest = Math.max(...known.genres.flatMap((genre) => [genre.share, genre.everyone]), 0.01);
  const most = Math.max(...known.decades.map(({ films }) => films), 1);
  const percent = (share: number) => Math.round(share * 100);
  return (
    <div className="taste">
      {known.mean_rating !== null && <p className="lead">{t.mine.taste.mean(known.mean_rating.toLocaleString(tag, { maximumFractionDigits: 1 }), known.films)}</p>}
      {known.sentences.length > 0 && <ul className="sentences">{known.sentences.map((sentence) => <li key={sentence}>{sentence}</li>)}</ul>}
      <section>
        <h3>{t.mine.taste.genres}</h3>
        <p className="legend small"><i className="you" /> {t.mine.taste.you} <i className="all" /> {t.mine.taste.everyone}</p>
        <ul className="bars">
          {known.genres.map((genre) => (
            <li key={genre.name} aria-label={t.mine.taste.share(genre.name, percent(genre.share), percent(genre.everyone))}>
              <span aria-hidden="true">{genre.name}</span>
              <svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
                <rect className="you" y="1" width={(genre.share / widest) * 100} height="7" />
                <rect className="all" y="10" width={(genre.everyone / widest) * 100} height="3" />
              </svg>
              <span className="small" aria-hidden="true">{percent(genre.share)} %</span>
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h3>{t.mine.taste.decades}</h3>
        <ul className="columns">
          {known.decades.map(({ decade, films }) => (
            <li key={decade} aria-label={`${decade}: ${t.films(films)}`}>
              <svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true"><rect className="you" y={100 - (films / most) * 100} width="10" height={(films / most) * 100} /></svg>
              <span className="small" aria-hidden="true">{decade}</span>
            </li>
          ))}
        </ul>
      </section>
      {known.people.length > 0 && (
        <section>
          <h3>{t.mine.taste.people}</h3>
          <div className="chips">
            {known.people.map((person) => (
              <Link key={person.name + person.role} className="chip" href={`/browse?${person.role}s=${encodeURIComponent(person.name)}`}>{person.name} <span className="small">{person.films}</span></Link>
            ))}
          </div>
        </section>
      )}
      {known.languages.length > 0 && (
        <section>
          <h3>{t.mine.taste.languages}</h3>
          <div className="chips">
            {known.languages.map(({ language: code, films }) => <Link key={code} className="chip" href={`/browse?languages=${code}`}>{nameOf("language", code)} <span className="small">{films}</span></Link>)}
          </div>
        </section>
      )}
    </div>
  );
}

/** The job that stores a viewer's long file, or takes a file back. */
interface Following {
  job_id: string;
  isDry: boolean;
}

/** Return what a call answers; undefined where it may be asked again. */
async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500)) return undefined;
    throw error;
  }
}

/** The export of another site, with what became of each of its rows. */
function Import({ who }: { who: string }) {
  const { import: t, tabs } = useStrings().mine;
  const [report, setReport] = useState<Report>();
  const [error, setError] = useState<unknown>();
  const [isReading, setReading] = useState(false);
  const [isBack, setBack] = useState(false); // what is shown came of a former visit
  const [job, setJob] = useState<Schemas["JobAnswer"]>(); // stores a long file, or takes one back
  const [takenBack, setTakenBack] = useState<number>(); // entries
  const following = useRef(0);
  const isDry = useRef(false);
  const place = `import.${who}`; // where the browser keeps which job it was

  useEffect(() => {
    const known = kept<Following>(place);
    if (known) void attempt(() => follow(known), true);
    return () => void following.current++; // whoever leaves the page follows no job
  }, [place]);

  /** Show how far a job is until it has ended; then what it says. */
  const follow = async ({ job_id, isDry: tries }: Following) => {
    const turn = ++following.current;
    isDry.current = tries;
    for (;;) {
      const now = await orUndefined(sendRaw<Schemas["JobAnswer"]>(`/jobs/${job_id}`, {}));
      if (turn !== following.current) return;
      if (now && now.status !== "queued" && now.status !== "running") {
        setJob(undefined);
        if (now.status !== "done") throw new ApiError(400, now.status, now.error || t.stopped, 0);
        if (now.kind === "import_undo") {
          setReport(undefined);
          setTakenBack((now.result as { deleted: { events: number } }).deleted.events);
        } else {
          setReport({ ...(now.result as Report), job_id: tries ? null : job_id });
        }
        if (!tries) stored();
        return;
      }
      if (now) setJob(now);
      await new Promise((resolve) => window.setTimeout(resolve, FOLLOW_MS));
    }
  };

  /** Do something that takes a while, and show what went wrong with it. */
  const attempt = async (what: () => Promise<void>, isReturning = false) => {
    setReading(true);
    setBack(isReturning);
    setError(undefined);
    try {
      await what();
    } catch (problem) {
      setJob(undefined);
      keep(place, undefined);
      if (!(isReturning && problem instanceof ApiError && problem.status === 404)) setError(problem); // deleted since
    } finally {
      setReading(false);
    }
  };
  const stored = () => {
    listChanged.set(true);
    void queries.invalidateQueries({ queryKey: ["mine"] });
  };

  /** Show a job that has been asked for, now and on return, until it has ended. */
  const start = (answer: Schemas["JobAnswer"]) => {
    const started = { job_id: answer.job_id, isDry: isDry.current };
    keep(place, started);
    setJob(answer);
    return follow(started);
  };

  const takeBack = (file: string) => attempt(async () => {
    isDry.current = false;
    await start(await sendRaw<Schemas["JobAnswer"]>(`/jobs/${file}/import`, { method: "DELETE" }));
  });

  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const file = form.get("file");
    if (isReading || !(file instanceof File) || file.size === 0) return;
    isDry.current = (event.nativeEvent as SubmitEvent).submitter?.getAttribute("name") === "dry";
    const query = new URLSearchParams(isDry.current ? { dry_run: "true" } : {});
    if (form.get("kind")) query.set("kind", String(form.get("kind")));
    keep(place, undefined);
    setReport(undefined);
    setTakenBack(undefined);
    await attempt(async () => {
      const name = file.name.replace(/[^\x20-\x7e]|["\\]/g, "_");
      const answer = await sendRaw<Schemas["HistoryAnswer"] | Schemas["JobAnswer"]>(`/users/${encodeURIComponent(who)}/history?${query}`, {
        method: "POST",
        body: file,
        headers: { "Content-Type": file.name.endsWith(".json") ? "application/json" : file.name.endsWith(".zip") ? "application/zip" : "text/csv", "Content-Disposition": `attachment; filename="${name}"` },
      });
      if ("rows" in answer) {
        setReport(answer);
        if (!isDry.current) stored();
      } else {
        await start(answer);
      }
    });
  };

  const unmatched = report && t.unmatched(report.rejected ?? report.unmatched.length);
  return (
    <>
      <p className="lead">{t.intro}</p>
      <form className="import" onSubmit={(event) => void send(event)}>
        <label>{t.file} <input type="file" name="file" required accept=".csv,.json,.zip,.tsv,.txt" /></label>
        <label>{t.kind}
          <select name="kind">{Object.entries(t.kinds).map(([kind, name]) => <option key={kind} value={kind}>{name}</option>)}</select>
        </label>
        <div className="chips">
          <button type="submit" name="dry" aria-disabled={isReading}>{t.try}</button>
          <button type="submit" className="primary" aria-disabled={isReading}>{t.send}</button>
        </div>
      </form>
      <div role="status">
        {isReading && !job && <p>{t.working}</p>}
        {isBack && (job || report || takenBack !== undefined) && <p className="small">{t.last}</p>}
        {takenBack !== undefined && <p><b>{t.takenBack(takenBack)}</b></p>}
        {job?.kind === "import_undo" && <p>{t.takingBack}</p>}
        {job?.kind === "import" && <p>{isDry.current ? t.longDry : t.longStores} <Link href="/mine/history">{tabs.history}</Link></p>}
        {report && (
          <div className="report">
            <p><b>{report.dry_run ? t.would(report.stored) : t.stored(report.stored)}</b> {t.matched(report.rows, report.by_id, report.by_title)}{" "}
              {report.duplicates > 0 && t.duplicates(report.duplicates)} {report.other_rows > 0 && t.other(report.other_rows)}</p>
            {report.stored > 0 && report.job_id && (
              <button type="button" aria-disabled={isReading} onClick={() => void (isReading || takeBack(report.job_id!))}>{t.takeBack}</button>
            )}
            {report.unmatched.length > 0 && (
              <>
                <h3>{unmatched}</h3>
                <div className="scroll" tabIndex={0} role="region" aria-label={unmatched}>
                  <table>
                    <thead><tr><th>{t.line}</th><th>{t.what}</th><th>{t.why}</th></tr></thead>
                    <tbody>{report.unmatched.map((row) => <tr key={`${row.file} ${row.line}`}><td>{row.line}</td><td>{row.title} {row.year}</td><td lang="en">{row.reason}</td></tr>)}</tbody>
                  </table>
                </div>
              </>
            )}
          </div>
        )}
      </div>
      {job && <p><progress aria-label={t.working} max={job.total} value={job.done} /> {job.status === "queued" ? t.queued : (t.phases[job.phase] ?? "")}</p>}
      {error !== undefined && (error instanceof ApiError && error.status === 400 ? <p className="note" role="alert" lang="en">{error.details.join(" ") || error.message}</p> : <Trouble error={error} />)}
    </>
  );
}

function Data({ who }: { who: string }) {
  const t = useStrings().mine.data;
  const [error, setError] = useState<unknown>();
  const [erased, setErased] = useState<number>();
  const dialog = useRef<HTMLDialogElement>(null);
  const path = `/users/${encodeURIComponent(who)}/data`;

  const attempt = async (what: () => Promise<void>) => {
    setError(undefined);
    try {
      await what();
    } catch (problem) {
      setError(problem);
    }
  };
  const download = () => attempt(async () => {
    const all = await sendRaw<unknown>(path, {});
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: "application/json" }));
    link.download = "movierec-data.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  const erase = () => attempt(async () => {
    dialog.current?.close();
    const answer = await sendRaw<Schemas["ErasedAnswer"]>(path, { method: "DELETE" });
    setErased(answer.events);
    window.setTimeout(() => become(undefined), 4000);
  });
  if (erased !== undefined) return <p className="lead" role="status">{t.erased(erased)}</p>;
  return (
    <>
      <section className="data">
        <p className="lead">{t.intro}</p>
        <button type="button" className="primary" onClick={() => void download()}>{t.download}</button>
      </section>
      <section className="data">
        <p className="lead">{t.eraseIntro}</p>
        <button type="button" className="danger" onClick={() => dialog.current?.showModal()}>{t.erase}</button>
      </section>
      <dialog ref={dialog} aria-labelledby="sure">
        <h2 id="sure">{t.sure}</h2>
        <p>{t.eraseIntro}</p>
        <div className="chips">
          <button type="button" onClick={() => dialog.current?.close()}>{t.no}</button>
          <button type="button" className="danger" onClick={() => void erase()}>{t.yes}</button>
        </div>
      </dialog>
      {error !== undefined && <Trouble error={error} />}
    </>
  );
}
