import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { keepFocus } from "./focus";
import { firstWords, language } from "./i18n";
import { queries } from "./marks";
import "./styles.css";
import { applyTheme } from "./theme";

function speak(): void {
  document.documentElement.lang = language.get();
}
speak();
language.watch(speak);
applyTheme();

async function begin(root: HTMLElement): Promise<void> {
  await firstWords();
  createRoot(root).render(
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>,
  );
  keepFocus();
}

const root = document.getElementById("root");
if (root) void begin(root);
