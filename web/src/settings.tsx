import { useEffect, useRef } from "react";
import { Icon } from "./card";
import { config } from "./config";
import { chooseLanguage, language, languages, useStrings } from "./i18n";
import { glass, say } from "./marks";
import { keep, useStore } from "./store";
import { chooseTheme, theme, type Theme } from "./theme";

/** Language, colours, and the switch that shows what is behind the glass. */
export function Settings() {
  const t = useStrings();
  const box = useRef<HTMLDetailsElement>(null);
  const tag = useStore(language);
  const colours = useStore(theme);
  const behind = useStore(glass);
  useEffect(() => {
    const close = (event: Event) => {
      const details = box.current;
      if (!details?.open) return;
      const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
      if (isEscape || (event.type === "pointerdown" && !details.contains(event.target as Node))) details.open = false;
      if (isEscape) details.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  const choose = async (wished: string) => {
    if (!(await chooseLanguage(wished))) say(t.trouble.unreachable);
  };
  return (
    <details className="settings" ref={box}>
      <summary aria-label={t.settings} title={t.settings}><Icon name="gear" /></summary>
      <div className="sheet">
        <label>{t.languageLabel}
          <select value={tag} onChange={(event) => void choose(event.target.value)}>
            {Object.entries(languages).map(([code, name]) => <option key={code} value={code} lang={code}>{name}</option>)}
          </select>
        </label>
        <label>{t.theme.label}
          <select value={colours} onChange={(event) => chooseTheme(event.target.value as Theme)}>
            {(["auto", "light", "dark"] as const).map((name) => <option key={name} value={name}>{t.theme[name]}</option>)}
          </select>
        </label>
        <label className="switch">
          <input type="checkbox" checked={behind} onChange={(event) => { glass.set(event.target.checked); keep("glass", event.target.checked); }} />
          {t.glass}
        </label>
        {config.staff && <a href="/admin/">{t.staff}</a>}
        {behind && <a href="/docs">API</a>}
      </div>
    </details>
  );
}
