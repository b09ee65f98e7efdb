import { keep, kept, Store, useStore } from "../store";
import { en, type Strings } from "./en";

export const languages: Record<string, string> = { en: "English", de: "Deutsch" };
const known: Record<string, Strings> = { en }; // the others are fetched when they are asked for

function chosen(): string {
  const wishes = [kept<string>("language") ?? "", ...navigator.languages];
  return wishes.map((tag) => tag.toLowerCase().split("-")[0] ?? "").find((tag) => tag in languages) ?? "en";
}

/** The page's language. It is asked of the API too, for titles, genres and reasons. */
export const language = new Store(chosen());

/** Change the page's language. Returns whether its words could be had. */
export async function chooseLanguage(tag: string): Promise<boolean> {
  if (!(await fetchWords(tag))) return false;
  keep("language", tag);
  language.set(tag);
  return true;
}

/** Fetch the words of the language that is wished for; without them the page speaks English. */
export async function firstWords(): Promise<void> {
  if (!(await fetchWords(language.get()))) language.set("en");
}

async function fetchWords(tag: string): Promise<boolean> {
  try {
    if (tag === "de") known.de ??= (await import("./de")).de;
    return tag in known;
  } catch {
    return false;
  }
}

export function strings(): Strings {
  return known[language.get()] ?? en;
}

export function useStrings(): Strings {
  return known[useStore(language)] ?? en;
}

/** Return a language's or a country's name, as far as the browser knows it. */
export function nameOf(type: "language" | "region", code: string): string {
  try {
    return new Intl.DisplayNames([language.get()], { type }).of(code) ?? code;
  } catch {
    return code;
  }
}
