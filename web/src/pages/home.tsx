import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { client, data, viewer, wished } from "../api";
import { useListInfo, useTitle } from "../hooks";
import { language, useStrings } from "../i18n";
import { listChanged, renewLists } from "../marks";
import { Row, RowSkeletons } from "../row";
import { useStore } from "../store";
import { Trouble } from "../trouble";
import type { Schemas } from "movierec-client";

const ROWS = 8;
const ROW_LENGTH = 14;

/** The viewer's page of rows, in one call. What it shows stays where it is until the next visit. */
export function Home() {
  const t = useStrings();
  const who = useStore(viewer);
  const tag = useStore(language);
  const isChanged = useStore(listChanged);
  useTitle(t.home.title);
  const page = useQuery({
    queryKey: ["lists", "home", who?.id ?? "", tag],
    queryFn: () => data(client.GET("/home", { params: { query: { rows: ROWS, row_length: ROW_LENGTH, ...wished() } } })),
    staleTime: Infinity,
  });
  const answer = page.data;
  const first = answer?.rows[0];
  const isModelless = useModelless(answer?.model_version === null);
  useListInfo(answer && { what: t.home.title, source: first?.source ?? "popular", model: answer.model_version, degraded: answer.degraded, removed: {} });

  if (page.isError) return <Trouble error={page.error} retry={() => void page.refetch()} />;
  return (
    <>
      <div className="page-head">
        <h1>{who ? t.home.heading : t.home.headingEveryone}</h1>
        {isChanged && <p className="changed"><span>{t.home.changed}</span> <button type="button" onClick={renewLists}>{t.home.renew}</button></p>}
      </div>
      {answer?.degraded && <p className="note" role="status">{t.home.degraded}</p>}
      {isModelless && answer && answer.rows.length > 0 && <p className="note" role="status">{t.home.noModel}</p>}
      {!answer && <RowSkeletons />}
      {answer?.rows.length === 0 && (
        <div className="trouble">
          <h2>{t.home.empty}</h2>
          <p>{answer.reason ?? t.home.emptyHint}</p>
          <p><a href="/docs">{t.home.guide}</a></p>
        </div>
      )}
      {answer?.rows.map((row, index) => (
        <Row key={row.key} id={String(index)} title={row.title} heading={heading(row)} reason={row.reason} films={row.films}
          recommendationId={row.recommendation_id} seeAll={row.see_all} eager={index < 2} />
      ))}
    </>
  );
}

/** Tell whether the site has no model yet. A page of none may also be one for somebody whom it does not know. */
function useModelless(isAsked: boolean): boolean {
  const state = useQuery({ queryKey: ["ready"], enabled: isAsked, queryFn: () => data(client.GET("/health/ready")) });
  return isAsked && state.data?.model_version === null;
}

/** Return a row's title: one that speaks of a film leads to it, one of a genre or a person to the films of it. */
function heading(row: Schemas["HomeRow"]): ReactNode {
  const about = encodeURIComponent(row.about);
  if (row.kind === "because_you_watched") return <Link href={`/film/${about}`}>{row.title}</Link>;
  if (row.kind === "genre" || row.kind === "popular_genre") return <Link href={`/browse?genres=${about}`}>{row.title}</Link>;
  if (row.kind === "director") return <Link href={`/browse?directors=${about}`}>{row.title}</Link>;
  if (row.kind === "actor") return <Link href={`/browse?actors=${about}`}>{row.title}</Link>;
  return row.title;
}
