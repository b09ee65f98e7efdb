import { keep, kept, Store } from "./store";

export type Theme = "auto" | "light" | "dark";
export const theme = new Store<Theme>(kept<Theme>("theme") ?? "auto");

/** Let the page's colours follow the choice, or the device. */
export function applyTheme(): void {
  const chosen = theme.get();
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

export function chooseTheme(chosen: Theme): void {
  keep("theme", chosen === "auto" ? undefined : chosen);
  theme.set(chosen);
  applyTheme();
}
