import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, clientFor, data, demoViewers, viewer, wished, type Viewer } from "../api";
import { config } from "../config";
import { useListInfo, useTitle } from "../hooks";
import { language, useStrings } from "../i18n";
import { Grid, GridSkeleton } from "../row";
import { useStore } from "../store";
import { Trouble } from "../trouble";
import { Face } from "./viewers";

const MOST = 10;
const DEPTH = 200; // films of each one's own list, to say at which place a film stands there
const LENGTH = 24;

/** One list for two to ten viewers, and what each of them makes of it. */
export default function Together() {
  const t = useStrings();
  const tag = useStore(language);
  const who = useStore(viewer);
  const [chosen, setChosen] = useState<Viewer[]>(who ? [{ ...who, label: who.label || t.together.you }] : []);
  useTitle(t.together.title);
  const demo = useQuery({ queryKey: ["demo"], queryFn: demoViewers, enabled: config.tokenUrl === "", retry: false });
  const group = chosen.map((one) => one.id);
  const [first, ...others] = group;
  const list = useQuery({
    queryKey: ["lists", "together", group, tag],
    enabled: group.length > 1,
    placeholderData: (before) => before,
    queryFn: () => data(clientFor(first ?? "", others).POST("/recommend", { body: { user_ids: group, top_k: LENGTH, titles: true, ...wished() } })),
  });
  const own = useQueries({
    queries: chosen.map((one) => ({
      queryKey: ["lists", "own", one.id],
      enabled: group.length > 1,
      staleTime: Infinity,
      queryFn: async () => {
        const answer = await data(clientFor(one.id).POST("/recommend", { body: { user_id: one.id, top_k: DEPTH } }));
        return new Map(answer.recommendations.map((film, place) => [film.movie_id, place + 1]));
      },
    })),
  });
  const answer = list.data;
  useListInfo(answer && { what: t.together.title, source: answer.source, model: answer.model_version, degraded: answer.degraded, removed: answer.removed });

  const isNone = config.tokenUrl !== "" || (demo.error instanceof ApiError && demo.error.status === 404);
  const turn = (id: number, label: string) =>
    setChosen((before) => (before.some((one) => one.id === id) ? before.filter((one) => one.id !== id) : [...before, { id, label }].slice(0, MOST)));
  const letter = (index: number) => String.fromCharCode(65 + index);

  return (
    <>
      <div className="page-head"><h1>{t.together.title}</h1></div>
      <p className="lead">{t.together.intro}</p>
      {isNone && <p className="note">{t.together.noDemo}</p>}
      {demo.isError && !isNone && <Trouble error={demo.error} retry={() => void demo.refetch()} />}
      <h2>{t.together.choose}</h2>
      {chosen.length > 0 && (
        <ol className="group">
          {chosen.map((one, index) => (
            <li key={one.id}><b>{letter(index)}</b> {one.label}{" "}
              <button type="button" className="plain" aria-label={t.browse.remove(one.label)} onClick={() => setChosen(chosen.filter((other) => other !== one))}>×</button>
            </li>
          ))}
        </ol>
      )}
      <ul className="faces small-faces">
        {demo.data?.map((face) => (
          <li key={face.user_id}><Face face={face} pressed={group.includes(face.user_id)} onChoose={() => turn(face.user_id, face.genres.join(", "))} /></li>
        ))}
      </ul>
      <h2>{t.together.list}</h2>
      {group.length < 2 && <p className="small" role="status">{t.together.need}</p>}
      {list.isError && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {group.length > 1 && list.isPending && <GridSkeleton />}
      {group.length > 1 && answer && (
        <Grid films={answer.recommendations} label={t.together.list} row={t.together.title} recommendationId={answer.recommendation_id}
          extra={(film) => (
            <ul className="places">
              {chosen.map((one, index) => {
                const place = own[index]?.data?.get(film.movie_id);
                const isKnown = own[index]?.data !== undefined;
                return (
                  <li key={one.id} className={place !== undefined && place <= 20 ? "high" : undefined}>
                    {isKnown ? (place ? t.together.place(letter(index), place) : t.together.deep(letter(index))) : "…"}
                  </li>
                );
              })}
            </ul>
          )} />
      )}
    </>
  );
}
