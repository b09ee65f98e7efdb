import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The bundle lies among Django's static files and is committed, so that nobody needs Node to run movierec.
const SERVER = process.env.MOVIEREC_URL ?? "http://127.0.0.1:8000";
const API = "^/(home|recommend|similar|popular|trending|latest|movies|people|genres|users|events|jobs|demo|health|static/recommender)(/|\\?|$)";

const OUT = process.env.STOREFRONT_OUT ?? join(import.meta.dirname, "../movierec/static/storefront");

/** Lay compressed copies beside each file: WhiteNoise serves what is there, and compresses nothing itself. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      const folder = join(OUT, "assets");
      for (const name of readdirSync(folder).filter((name) => /\.(js|css)$/.test(name))) {
        const content = readFileSync(join(folder, name));
        writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  base: process.env.NODE_ENV === "production" ? "/static/storefront/" : "/",
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { [API]: { target: SERVER, changeOrigin: false } } },
});
