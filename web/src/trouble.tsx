import { useEffect, useState } from "react";
import { Link } from "wouter";
import { ApiError } from "./api";
import { useTitle } from "./hooks";
import { useStrings } from "./i18n";

/** What went wrong, in words for a person, and what to do. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useStrings().trouble;
  const { retry: again } = useStrings();
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
    status === 0 ? (navigator.onLine ? [t.unreachable, t.unreachableHint] : [t.offline, t.offlineHint])
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
      {error instanceof ApiError && error.code && <p className="small">{t.code(error.code)}</p>}
    </div>
  );
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
