import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { calls, client, data, viewer, type Call } from "./api";
import { useStrings } from "./i18n";
import { glass, listChanged, listInfo, say } from "./marks";
import { keep, useStore } from "./store";

const DAY = 86_400_000;

/** What the page asked and was told: the list's source and model, what was left out, each call with its curl. */
export default function Glass() {
  const t = useStrings().panel;
  const { close, skip } = useStrings();
  const info = useStore(listInfo);
  const made = useStore(calls);
  const names: Record<string, string> = t.sources;
  const reasons: Record<string, string> = t.reasons;
  const age = useStoredAge();
  const hide = () => {
    glass.set(false);
    keep("glass", false);
    document.querySelector<HTMLElement>(".settings summary")?.focus(); // where it is switched on
  };
  return (
    <aside className="glass" id="glass" tabIndex={-1} aria-label={t.title}>
      <a className="skip" href="#content">{skip}</a>
      <div className="row-head">
        <div><h2>{t.title}</h2><p className="reason">{t.intro}</p></div>
        <button type="button" onClick={hide}>{close}</button>
      </div>
      {info && (
        <dl className="facts">
          <div><dt>{t.list}</dt><dd>{info.what}</dd></div>
          <div><dt>{t.source}</dt><dd>{names[info.source] ?? info.source}</dd></div>
          {age && <div><dt>{t.age}</dt><dd>{age}</dd></div>}
          <div><dt>{t.model}</dt><dd>{info.model ?? t.noModel} {info.model && modelAge(info.model, t.made)}</dd></div>
          {Object.keys(info.removed).length > 0 && (
            <div><dt>{t.removed}</dt><dd>{Object.entries(info.removed).map(([why, films]) => `${films} ${reasons[why] ?? why}`).join(", ")}</dd></div>
          )}
          {info.degraded && <div><dt>{t.degraded}</dt><dd>!</dd></div>}
        </dl>
      )}
      <h3>{t.calls}</h3>
      <ol className="calls">{made.map((call) => <CallLine key={call.number} call={call} />)}</ol>
    </aside>
  );
}

/** Return how old the viewer's stored list is, in words; "" without a viewer. It asks for the list's first film. */
function useStoredAge(): string {
  const t = useStrings().panel;
  const who = useStore(viewer);
  const isChanged = useStore(listChanged);
  const first = useQuery({
    queryKey: ["glass", who?.id ?? "", isChanged],
    enabled: Boolean(who),
    staleTime: 60_000,
    queryFn: () => data(client.POST("/recommend", { body: { ...(who ? { user_id: who.id } : {}), top_k: 1 } })),
  });
  if (!first.data) return "";
  const made = first.data.made_at;
  return made ? t.aged(Math.max(0, Math.floor((Date.now() - Date.parse(made)) / 60_000))) : t.ageless;
}

/** Return how old a model is, by the day in its name. */
function modelAge(model: string, say: (days: number) => string): string {
  const day = /(\d{4})(\d{2})(\d{2})-\d{6}/.exec(model);
  if (!day) return "";
  const made = Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3]));
  return `(${say(Math.max(0, Math.floor((Date.now() - made) / DAY)))})`;
}

function CallLine({ call }: { call: Call }) {
  const t = useStrings().panel;
  const [copied, setCopied] = useState(false);
  const curl = asCurl(call);
  const text = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(curl);
    } catch {
      // Without https a page has no clipboard: the text is chosen, and the keys of the browser copy it.
      if (text.current) getSelection()?.selectAllChildren(text.current);
      return;
    }
    setCopied(true);
    say(t.copied);
    window.setTimeout(() => setCopied(false), 2000);
  };
  return (
    <li>
      <details>
        <summary><b>{call.method}</b> {call.path.slice(0, 90)} <span className={call.status >= 200 && call.status < 400 ? "ok" : "bad"}>{call.status || "–"}</span> {call.ms} ms</summary>
        <pre ref={text} tabIndex={0} dir="ltr">{curl}</pre>
        <button type="button" onClick={() => void copy()}>{copied ? t.copied : t.copy}</button>
      </details>
    </li>
  );
}

/** Return the call for a terminal, as a site's server makes it: with its key, which no browser has. */
function asCurl({ method, path, body }: Call): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const named = withViewer(path, body);
  const lines = [`curl -s ${quoted(location.origin + named.path)}`, `-H 'Authorization: Api-Key YOUR_KEY'`];
  if (method !== "GET" && !(method === "POST" && named.body)) lines.push(`-X ${method}`);
  if (named.body) lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(named.body)}`);
  return lines.join(" \\\n  ");
}

/** Return the call with its viewer, whom the token names in the browser. */
function withViewer(path: string, body: string): { path: string; body: string } {
  const who = viewer.get();
  const takesViewer = /^\/(home|recommend|similar|popular|trending|latest|movies|people|genres)/.test(path);
  if (!who || !takesViewer || path.includes("user_id=") || body.includes('"user_id')) return { path, body };
  if (body) return { path, body: JSON.stringify({ user_id: who.id, ...(JSON.parse(body) as object) }) };
  return { path: `${path}${path.includes("?") ? "&" : "?"}user_id=${encodeURIComponent(who.id)}`, body };
}
