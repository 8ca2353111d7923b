import { existsSync, readFileSync } from "node:fs";

/** Names of the dashboard's files, as the page asks for them. */
const names = ["index.html", "dashboard.js", "dashboard.css"] as const;

/**
 * The dashboard's files by name, to be served at `/`. From the sources of this repository they are bundled first when they
 * are older than what they are made of; a published package has them. Empty when they cannot be had.
 */
export async function dashboardFiles(): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  if (import.meta.url.endsWith(".ts")) {
    const bundler = new URL("../../../scripts/source/dashboardBundle.ts", import.meta.url);
    const { bundleDashboard } = await import(bundler.href);
    await bundleDashboard();
  }
  const folder = new URL("../lib/", import.meta.url);
  if (!names.every((name) => existsSync(new URL(name, folder)))) return new Map();
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(new URL(name, folder)))]));
}
