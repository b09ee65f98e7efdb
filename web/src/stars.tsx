import { useStrings } from "./i18n";

const STEPS = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5];

/** Half stars to choose from: ten choices, by keys and touch. */
export function Stars({ value, onChange }: { value: number | null; onChange: (stars: number) => void }) {
  const t = useStrings();
  return (
    <fieldset className="stars">
      <legend>{t.act.rate}</legend>
      <div className="stars-row">
        {STEPS.map((step) => (
          <label key={step} className={value !== null && step <= value ? "on" : undefined}>
            <input type="radio" name="stars" value={step} checked={value === step} onChange={() => onChange(step)} aria-label={t.act.stars(step)} />
            <span aria-hidden="true" className={step % 1 ? "half left" : "half right"}>★</span>
          </label>
        ))}
        <output className="small">{value === null ? t.act.noStars : t.act.stars(value)}</output>
      </div>
    </fieldset>
  );
}
