import { existsSync, readFileSync } from "node:fs";

/** The dashboard's files, as the page asks for them. */
const files = [
  ["index.html", "text/html; charset=utf-8"],
  ["dashboard.js", "text/javascript; charset=utf-8"],
  ["dashboard.css", "text/css; charset=utf-8"],
] as const;

/** A file of the page. */
export interface DashboardFile {
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * The dashboard's files by their paths, to be served to everybody; `/index.html` at `/`, too. From the sources of this
 * repository they are bundled first when they are older than what they are made of; a published package has them. Empty
 * when they cannot be had.
 */
export async function dashboardFiles(): Promise<ReadonlyMap<string, DashboardFile>> {
  if (import.meta.url.endsWith(".ts")) {
    const bundler = new URL("../../../scripts/source/dashboardBundle.ts", import.meta.url);
    const { bundleDashboard } = await import(bundler.href);
    await bundleDashboard();
  }
  const folder = new URL("../lib/", import.meta.url);
  if (!files.every(([name]) => existsSync(new URL(name, folder)))) return new Map();
  return new Map(
    files.map(([name, contentType]) => [
      `/${name}`,
      { contentType, body: new Uint8Array(readFileSync(new URL(name, folder))) },
    ]),
  );
}
