import { keep, kept, Store, useStore } from "../store";
import { de } from "./de";
import { en, type Strings } from "./en";

export const languages: Record<string, Strings> = { en, de };

function chosen(): string {
  const wishes = [kept<string>("language") ?? "", ...navigator.languages];
  const known = wishes.map((tag) => tag.toLowerCase().split("-")[0] ?? "").find((tag) => tag in languages);
  return known ?? "en";
}

/** The page's language. It is asked of the API too, for titles, genres and reasons. */
export const language = new Store(chosen());

export function chooseLanguage(tag: string): void {
  keep("language", tag);
  language.set(tag);
}

export function strings(): Strings {
  return languages[language.get()] ?? en;
}

export function useStrings(): Strings {
  return languages[useStore(language)] ?? en;
}

/** Return a language's or a country's name, as far as the browser knows it. */
export function nameOf(type: "language" | "region", code: string): string {
  try {
    return new Intl.DisplayNames([language.get()], { type }).of(code) ?? code;
  } catch {
    return code;
  }
}
