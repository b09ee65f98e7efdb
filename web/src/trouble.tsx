import { Component, type ReactNode, useEffect, useState } from "react";
import { Link } from "wouter";
import { ApiError } from "./api";
import { config } from "./config";
import { useTitle } from "./hooks";
import { useStrings } from "./i18n";

/** What went wrong, in words for a person, and what to do. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useStrings().trouble;
  const { retry: again, chooser } = useStrings();
  const status = error instanceof ApiError ? error.status : -1;
  const [left, setLeft] = useState(error instanceof ApiError ? error.retryAfter : 0);
  useEffect(() => setLeft(error instanceof ApiError ? error.retryAfter : 0), [error]);
  const counts = status === 429 || status === 503;
  useEffect(() => {
    if (!counts || left <= 0) return;
    const timer = window.setTimeout(() => {
      setLeft(left - 1);
      if (left === 1) retry?.();
    }, 1000);
    return () => window.clearTimeout(timer);
  }, [counts, left, retry]);

  const [title, hint] =
    status === 0 ? (navigator.onLine ? [t.unreachable, t.unreachableHint] : [t.offline, t.offlinePage])
    : status === 401 ? [t.login, t.loginHint]
    : status === 403 ? [t.closed, t.closedHint]
    : status === 404 ? [t.missing, ""]
    : status === 429 ? [t.limited, t.limitedHint(Math.max(1, left))]
    : status >= 502 || status === 503 ? [t.busy, t.busyHint]
    : [t.other, error instanceof Error ? error.message : ""];
  return (
    <div className="trouble" role="alert">
      <h2>{title}</h2>
      {hint && <p>{hint}</p>}
      {retry && <button type="button" className="primary" onClick={retry}>{again}</button>}
      {(status === 401 || status === 403) && config.tokenUrl === "" && <Link href="/viewers">{chooser.title}</Link>}
      {error instanceof ApiError && error.code && <p className="small">{t.code(error.code)}</p>}
    </div>
  );
}

/** Holds a page whose script did not come: without a network, or as there is a newer one. To try again is to load the page. */
export class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    const isMissing = /import|module/i.test(error.message); // each browser has its own words for a script that does not come
    return <Trouble error={isMissing ? new ApiError(0, "", "", 0) : error} retry={() => location.reload()} />;
  }
}

/** The page of an address that there is not. */
export function Nowhere() {
  const t = useStrings().trouble;
  useTitle(t.missing);
  return (
    <div className="trouble">
      <h1>{t.missing}</h1>
      <Link className="primary" href="/">{t.toHome}</Link>
    </div>
  );
}
