import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { language } from "./i18n";
import { queries } from "./marks";
import "./styles.css";
import { applyTheme } from "./theme";

function speak(): void {
  document.documentElement.lang = language.get();
}
speak();
language.watch(speak);
applyTheme();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>,
  );
}
