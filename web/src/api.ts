import { createClient, type Schemas } from "movierec-client";
import { config } from "./config";
import { language } from "./i18n";
import { keep, kept, Store } from "./store";

/** Who is looking. null: nobody in particular. */
export interface Viewer {
  id: string | number;
  label: string; // what the page calls them
}
export interface DemoViewer {
  user_id: number;
  genres: string[];
  films: Schemas["Movie"][];
}
interface Token {
  token: string;
  user_id: string | number;
  expires_at: string;
}

/** A call that went by, for those who look behind the glass. */
export interface Call {
  number: number;
  method: string;
  path: string;
  body: string;
  status: number; // 0: no answer
  ms: number;
  requestId: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: the server cannot be reached
    readonly code: string,
    detail: string,
    readonly retryAfter: number, // seconds; 0: unknown
    readonly details: string[] = [], // what is wrong with which value
  ) {
    super(detail);
  }
}

const MAX_CALLS = 30;
const EARLY_MS = 20_000; // a token is renewed so long before it ends
export const calls = new Store<Call[]>([]);
export const viewer = new Store<Viewer | null | undefined>(kept<Viewer | null>("viewer"));
export const isOffline = new Store(!navigator.onLine);
window.addEventListener("online", () => isOffline.set(false));
window.addEventListener("offline", () => isOffline.set(true));

let numbered = 0;

/** Send a request, and note it for those who look behind the glass. */
async function send(request: Request): Promise<Response> {
  const started = performance.now();
  const body = request.method === "GET" || request.headers.get("Content-Type") !== "application/json" ? "" : await request.clone().text();
  let response: Response | undefined;
  try {
    response = await fetch(request);
    isOffline.set(false);
    return response;
  } finally {
    if (response === undefined && !navigator.onLine) isOffline.set(true);
    const address = new URL(request.url);
    const call: Call = {
      number: ++numbered,
      method: request.method,
      path: address.pathname + address.search,
      body,
      status: response?.status ?? 0,
      ms: Math.round(performance.now() - started),
      requestId: response?.headers.get("X-Request-ID") ?? "",
    };
    calls.set([call, ...calls.get()].slice(0, MAX_CALLS));
  }
}

export const tokens = new Map<string, Promise<Token>>();

async function askToken(id: string | number | undefined, companions: (string | number)[]): Promise<Token> {
  const request = config.tokenUrl
    ? new Request(config.tokenUrl, { credentials: "include", headers: { Accept: "application/json" } })
    : new Request("/demo/viewer-tokens", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...(id === undefined ? {} : { user_id: id }), companions }),
      });
  const token = await read<Token>(send(request));
  keep(`token.${token.user_id}.${companions.join(",")}`, token, sessionStorage);
  return token;
}

/** Return a viewer's token, which may name the companions beside them; a new one if asked. */
export async function tokenOf(id: string | number, companions: (string | number)[] = [], renew = false): Promise<string> {
  const name = `token.${id}.${companions.join(",")}`;
  const inHand = tokens.get(name) ?? (renew ? undefined : keptToken(name));
  const current = renew ? undefined : await inHand?.catch(() => undefined);
  if (current && Date.parse(current.expires_at) - EARLY_MS > Date.now()) return current.token;
  const asked = askToken(id, companions);
  tokens.set(name, asked);
  return (await asked).token;
}

function keptToken(name: string): Promise<Token> | undefined {
  const token = kept<Token>(name, sessionStorage);
  return token && Promise.resolve(token);
}

/** Return a viewer's token if there is one at once; "" if not. */
export function tokenInHand(id: string | number): string {
  const token = kept<Token>(`token.${id}.`, sessionStorage);
  return token && Date.parse(token.expires_at) > Date.now() ? token.token : "";
}

/** Begin as somebody whom nobody knows. */
export async function beginAsNew(label: string): Promise<Viewer> {
  const token = await askToken(undefined, []);
  return { id: token.user_id, label };
}

/** Ask the site who is logged in. */
export async function loggedIn(): Promise<Viewer> {
  const token = await askToken(undefined, []);
  tokens.set(`token.${token.user_id}.`, Promise.resolve(token));
  return { id: token.user_id, label: "" };
}

export async function demoViewers(): Promise<DemoViewer[]> {
  return (await read<{ viewers: DemoViewer[] }>(send(new Request("/demo/viewers")))).viewers;
}

async function currentToken(renew: boolean): Promise<string | undefined> {
  const who = viewer.get();
  return who ? tokenOf(who.id, [], renew) : undefined;
}

export const client = createClient({ baseUrl: location.origin, viewerToken: currentToken, fetch: send });

/** A client for somebody else's lists: of those who watch together. */
export function clientFor(id: string | number, companions: (string | number)[] = []): typeof client {
  return createClient({ baseUrl: location.origin, fetch: send, viewerToken: (renew) => tokenOf(id, companions, renew) });
}

/** Return the language that calls ask titles and reasons in. */
export function wished(): { language: string } {
  return { language: language.get() };
}

async function read<T>(answer: Promise<Response>): Promise<T> {
  const response = await answer.catch(fail);
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw problem(response, body);
  return body as T;
}

function fail(error: unknown): never {
  if (error instanceof ApiError) throw error;
  throw new ApiError(0, "unreachable", String(error), 0);
}

function problem(response: Response, body: unknown): ApiError {
  const { code = "", detail = response.statusText, errors = [] } = (body ?? {}) as Partial<Schemas["Problem"]>;
  const details = errors.map((error) => error.detail);
  return new ApiError(response.status, code, detail, Number(response.headers.get("Retry-After")) || 0, details);
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Return the body of an answer. Raises ApiError. */
export async function data<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer.catch(fail);
  if (data === undefined) throw problem(response, error);
  return data;
}

/** Send a call whose address another answer gave: the next page of a list. */
export async function follow<T>(method: string, path: string, values: Record<string, unknown>): Promise<T> {
  const token = await currentToken(false);
  const headers: Record<string, string> = token ? { Authorization: `Viewer-Token ${token}` } : {};
  const query = new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)]));
  const request =
    method === "GET"
      ? new Request(`${path}?${query}`, { headers })
      : new Request(path, { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(values) });
  return read<T>(send(request));
}

/** Send an upload, or read an answer to keep as a file: with the viewer's token, as it is. */
export async function sendRaw<T>(path: string, init: RequestInit): Promise<T> {
  const token = await currentToken(false);
  const headers = new Headers(init.headers);
  if (token) headers.set("Authorization", `Viewer-Token ${token}`);
  return read<T>(send(new Request(path, { ...init, headers })));
}
