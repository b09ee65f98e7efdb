import { QueryClient } from "@tanstack/react-query";
import { ApiError, client, data, viewer } from "./api";
import { newEventId, report, takeBack } from "./events";
import { strings } from "./i18n";
import { keep, kept, Store } from "./store";
import type { Schemas } from "movierec-client";

export const UNDO_SECONDS = 10;
export type MarkKind = "watch" | "like" | "not_interested" | "watchlist" | "rating" | "unlike" | "interested" | "unwatch";

/** What the viewer has just done with a film. What is shown of it stays where it is. */
export interface Mark {
  kind: MarkKind;
  rating?: number;
  eventId: string;
  at: number; // milliseconds
  waits: boolean; // it is not sent yet
}
export interface Notice {
  text: string;
  number: number;
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      gcTime: 30 * 60_000,
      refetchOnWindowFocus: false,
      retry: (count, error) =>
        error instanceof ApiError ? (error.status === 0 || error.status >= 502) && error.status !== 503 && count < 2 : count < 1,
    },
  },
});
export const marks = new Store<Record<string, Mark>>({});
export const notice = new Store<Notice>({ text: "", number: 0 });
export const listChanged = new Store(false); // since the first page was read

export function say(text: string): void {
  notice.set({ text, number: notice.get().number + 1 });
}

/** Choose who is watching. What was shown of somebody else is forgotten. */
export function become(who: typeof viewer extends Store<infer V> ? V : never): void {
  viewer.set(who);
  keep("viewer", who);
  marks.set({});
  listChanged.set(false);
  queries.clear();
}

/** The list that led to a mark, if there was one. */
export interface Source {
  recommendationId?: string;
  position?: number;
}

/** Mark a film; the mark shows at once, and goes again where it cannot be stored. */
export async function mark(movieId: string, kind: MarkKind, from: Source = {}, rating?: number): Promise<void> {
  if (!viewer.get()) return say(strings().act.cannot);
  const eventId = newEventId();
  const former = marks.get()[movieId];
  const made: Mark = { kind, eventId, at: Date.now(), waits: false, ...(rating === undefined ? {} : { rating }) };
  put(movieId, made);
  say(described(made));
  try {
    const stored = await report({
      movie_id: movieId,
      kind,
      event_id: eventId,
      occurred_at: new Date().toISOString(),
      ...(rating === undefined ? {} : { rating }),
      ...(from.recommendationId ? { recommendation_id: from.recommendationId } : {}),
    });
    if (!stored) {
      if (marks.get()[movieId]?.eventId === eventId) put(movieId, { ...made, waits: true });
      say(navigator.onLine ? strings().act.limited : strings().act.done.waiting);
    }
    changed();
  } catch {
    put(movieId, former);
    say(strings().act.failed);
  }
}

/** Take a film's mark back. */
export async function undo(movieId: string): Promise<void> {
  const made = marks.get()[movieId];
  if (!made) return;
  put(movieId, undefined);
  try {
    await takeBack(made.eventId);
    say(strings().act.done.taken);
    changed();
  } catch {
    put(movieId, made);
    say(strings().act.failed);
  }
}

/** Take what holds of a film's kind back, however long ago it was reported. Returns whether it is gone. */
export async function takeOff(movieId: string, kind: Schemas["KindEnum"]): Promise<boolean> {
  try {
    const path = { user_id: String(viewer.get()?.id ?? "") };
    await data(client.DELETE("/users/{user_id}/events", { params: { path, query: { movie_id: movieId, kind } } }));
  } catch {
    say(strings().act.failed);
    return false;
  }
  if (marks.get()[movieId]?.kind === kind) put(movieId, undefined);
  say(strings().act.done.taken);
  changed();
  return true;
}

export function described(made: { kind: string; rating?: number | null | undefined }): string {
  const done = strings().act.done;
  if (made.kind === "rating") return done.rating(made.rating ?? 0);
  return made.kind in done ? String(done[made.kind as Exclude<keyof typeof done, "rating">]) : made.kind;
}

function put(movieId: string, made: Mark | undefined): void {
  const { [movieId]: _, ...others } = marks.get();
  marks.set(made ? { ...others, [movieId]: made } : others);
}

/** What the viewer's own pages show is old; lists stay as they are until the next visit. */
function changed(): void {
  listChanged.set(true);
  void queries.invalidateQueries({ queryKey: ["mine"] });
}

/** Read the lists anew: somebody comes to the first page again. */
export function renewLists(): void {
  if (!listChanged.get()) return;
  listChanged.set(false);
  marks.set({});
  queries.removeQueries({ queryKey: ["lists"] });
}

export const glass = new Store(kept<boolean>("glass") ?? false);

/** What the last list said of itself. */
export interface ListInfo {
  what: string;
  source: string;
  model: string | null;
  degraded: boolean;
  removed: Record<string, number>;
}
export const listInfo = new Store<ListInfo | undefined>(undefined);
