import { useEffect, useState } from "react";

const SETTLED_MS = 300;

/** A range with two ends, each a slider of its own. An end at its limit says nothing: undefined. */
export function Range({ label, from, to, low, high, step, value, text, any, onChange }: {
  label: string;
  from: string; // the names of the ends
  to: string;
  low: number;
  high: number;
  step: number;
  value: [number | undefined, number | undefined];
  text: (value: number) => string;
  any: string;
  onChange: (value: [number | undefined, number | undefined]) => void;
}) {
  const [ends, setEnds] = useSettledValue<[number, number]>([value[0] ?? low, value[1] ?? high], ([first, last]) =>
    onChange([first <= low ? undefined : first, last >= high ? undefined : last]));
  const [first, last] = ends;
  const said = (end: number) => (end <= low || end >= high ? any : text(end));
  const share = (end: number) => (100 * (Math.min(Math.max(end, low), high) - low)) / (high - low);
  return (
    <fieldset className="range">
      <legend>{label} <output className="small">{first <= low && last >= high ? any : `${said(first)} – ${said(last)}`}</output></legend>
      <div className="range-ends">
        <svg className="range-track" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
          <rect width="100" height="1" />
          <rect className="you" x={share(first)} width={Math.max(0, share(last) - share(first))} height="1" />
        </svg>
        <input type="range" min={low} max={high} step={step} value={first} aria-label={`${label} ${from}`} aria-valuetext={said(first)}
          onChange={(event) => setEnds([Math.min(Number(event.target.value), last), last])} />
        <input type="range" min={low} max={high} step={step} value={last} aria-label={`${label} ${to}`} aria-valuetext={said(last)}
          onChange={(event) => setEnds([first, Math.max(Number(event.target.value), first)])} />
      </div>
    </fieldset>
  );
}

/** A slider from one end to the other, whose ends have words. */
export function Slider({ label, value, low, high, onChange }: {
  label: string;
  value: number; // 0 to 1
  low: string;
  high: string;
  onChange: (value: number) => void;
}) {
  const [shown, setShown] = useSettledValue(value, onChange);
  return (
    <fieldset className="range">
      <legend>{label}</legend>
      <input type="range" min="0" max="1" step="0.1" value={shown} aria-label={label}
        aria-valuetext={shown === 0 ? low : shown === 1 ? high : `${Math.round(shown * 100)} %, ${low} – ${high}`}
        onChange={(event) => setShown(Number(event.target.value))} />
      <div className="ends small"><span>{low}</span><span>{high}</span></div>
    </fieldset>
  );
}

/** A value that moves at once, and is told when it has stood still for a moment: each telling asks for a list. */
function useSettledValue<T>(value: T, tell: (value: T) => void): [T, (value: T) => void] {
  const [moved, setMoved] = useState<T>();
  const given = JSON.stringify(value);
  useEffect(() => setMoved(undefined), [given]);
  useEffect(() => {
    if (moved === undefined) return;
    const timer = window.setTimeout(() => tell(moved), SETTLED_MS);
    return () => window.clearTimeout(timer);
  }, [moved]); // a new callback is no new value
  return [moved ?? value, setMoved];
}
