import { ApiError, client, data, isOffline, tokenInHand, viewer } from "./api";
import type { Schemas } from "movierec-client";
import { keep, kept } from "./store";

/** What is reported of a viewer: what they did at once, what they were shown in batches. */
export interface Report {
  viewer: string | number;
  movie_id: string;
  kind: Schemas["KindEnum"];
  event_id: string;
  occurred_at: string;
  rating?: number;
  recommendation_id?: string;
  position?: number;
}

const SHOWN_SECONDS = 1; // half of a film in view for so long counts as shown
const BATCH_SECONDS = 5;
// A viewer's token may send 60 events a minute. What they do has precedence over what they were shown.
const BATCH = 25;
const PAUSE_SECONDS = 60;
const MAX_WAITING = 300;
let waiting: Report[] = kept<Report[]>("waiting") ?? [];
let notBefore = 0;
let sending = false;
const shown = new Set<string>(kept<string[]>("shown", sessionStorage) ?? []);

export function newEventId(): string {
  return crypto.randomUUID();
}

/** Store what the viewer did. Returns false where it has to wait: without a network, or for the rate limit. */
export async function report(event: Omit<Report, "viewer">): Promise<boolean> {
  const who = viewer.get();
  if (!who) throw new ApiError(403, "nobody", "nobody is watching", 0);
  try {
    const answer = await data(client.POST("/events", { body: event as unknown as Schemas["EventRequest"] }));
    const refused = answer.results.find((result) => result.status === "rejected");
    if (refused) throw new ApiError(400, "rejected", refused.reason ?? "", 0);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || ![0, 429, 503].includes(error.status)) throw error;
    put({ ...event, viewer: who.id });
    if (error.status === 429) notBefore = Date.now() + 1000 * (error.retryAfter || PAUSE_SECONDS);
    return false;
  }
}

/** Take back what was reported; what still waits is never sent. */
export async function takeBack(eventId: string): Promise<void> {
  const before = waiting.length;
  waiting = waiting.filter((event) => event.event_id !== eventId);
  keep("waiting", waiting);
  if (waiting.length < before) return;
  await data(client.DELETE("/events/{event_id}", { params: { path: { event_id: eventId } } }));
}

export function reportClick(movieId: string, recommendationId: string, position: number): void {
  add(movieId, "click", recommendationId, position);
  void flush();
}

function add(movieId: string, kind: "impression" | "click", recommendationId: string, position: number): void {
  const who = viewer.get();
  if (!who || !recommendationId) return;
  put({
    viewer: who.id,
    movie_id: movieId,
    kind,
    event_id: newEventId(),
    occurred_at: new Date().toISOString(),
    recommendation_id: recommendationId,
    position,
  });
}

function put(event: Report): void {
  waiting = [...waiting, event].slice(-MAX_WAITING);
  keep("waiting", waiting);
}

const IMPRESSIONS_FIRST = (a: Report, b: Report) => Number(a.kind === "impression") - Number(b.kind === "impression");

/** Return what goes next, of the viewer who is there: what they did first. */
function nextBatch(): Report[] {
  const who = viewer.get();
  if (!who || sending || isOffline.get() || Date.now() < notBefore) return [];
  return waiting.filter((event) => event.viewer === who.id).sort(IMPRESSIONS_FIRST).slice(0, BATCH);
}

function bodyOf(batch: Report[]): { events: Schemas["EventRequest"][] } {
  return { events: batch.map(({ viewer: _, ...event }) => event) as unknown as Schemas["EventRequest"][] };
}

/** Send what waits. */
async function flush(): Promise<void> {
  const batch = nextBatch();
  if (batch.length === 0) return;
  sending = true;
  try {
    await data(client.POST("/events", { body: bodyOf(batch) }));
    forget(batch);
    if (batch.some((event) => event.kind === "impression")) notBefore = Date.now() + (BATCH_SECONDS * 1000);
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500 && ![401, 429].includes(error.status)) forget(batch);
    else notBefore = Date.now() + 1000 * ((error instanceof ApiError && error.retryAfter) || BATCH_SECONDS);
  } finally {
    sending = false;
  }
}

/** Send what waits while the page goes away. Nothing can be waited for then: neither a token nor a body that is read first.
 *  navigator.sendBeacon does the same, but carries no token. What does not arrive goes on the next visit. */
function leave(): void {
  const batch = nextBatch();
  const token = tokenInHand(viewer.get()?.id ?? "");
  if (batch.length === 0 || !token) return;
  notBefore = Date.now() + BATCH_SECONDS * 1000; // hiding and leaving are two events of one step
  const headers = { "Content-Type": "application/json", Authorization: `Viewer-Token ${token}` };
  const sent = fetch("/events", { method: "POST", keepalive: true, headers, body: JSON.stringify(bodyOf(batch)) });
  void sent.then((answer) => answer.ok && forget(batch)).catch(() => undefined);
}

function forget(batch: Report[]): void {
  const sent = new Set(batch.map((event) => event.event_id));
  waiting = waiting.filter((event) => !sent.has(event.event_id));
  keep("waiting", waiting);
}

const timers = new Map<Element, number>();
const placed = new WeakMap<Element, { movieId: string; recommendationId: string; position: number }>();
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      window.clearTimeout(timers.get(target));
      timers.delete(target);
      if (isIntersecting) timers.set(target, window.setTimeout(() => see(target), SHOWN_SECONDS * 1000));
    }
  },
  { threshold: 0.5 },
);

function see(target: Element): void {
  timers.delete(target);
  observer.unobserve(target);
  const place = placed.get(target);
  if (!place) return;
  const once = `${place.recommendationId} ${place.movieId}`;
  if (shown.has(once)) return;
  shown.add(once);
  keep("shown", [...shown].slice(-1000), sessionStorage);
  add(place.movieId, "impression", place.recommendationId, place.position);
}

/** Count a film as shown once half of it was in view for a second. Returns how to stop looking. */
export function watchImpression(element: Element, movieId: string, recommendationId: string, position: number): () => void {
  if (!recommendationId) return () => undefined;
  placed.set(element, { movieId, recommendationId, position });
  observer.observe(element);
  return () => {
    observer.unobserve(element);
    window.clearTimeout(timers.get(element));
    timers.delete(element);
  };
}

window.setInterval(() => void flush(), BATCH_SECONDS * 1000);
window.addEventListener("online", () => void flush());
window.addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
