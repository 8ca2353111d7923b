import { existsSync, globSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { workspaceRoot } from "./workspace.ts";

const directory = join(workspaceRoot, "packages", "dashboard");
const lib = join(directory, "lib");

/**
 * Bundles what a browser loads of the dashboard into its `lib/`, unless what is there is newer than all it is made of.
 */
export async function bundleDashboard(): Promise<void> {
  if (isFresh()) return;
  const { outputFiles } = await build({
    absWorkingDir: directory,
    entryPoints: { dashboard: "src/main.ts", "dashboard-style": "src/style/dashboard.css" },
    outdir: "lib",
    bundle: true,
    minify: true,
    write: false,
    platform: "browser",
    format: "esm",
    target: ["es2022"],
    conditions: ["@fulmen/source"],
    legalComments: "inline",
    logLevel: "warning",
  });
  mkdirSync(lib, { recursive: true });
  for (const { path, contents } of outputFiles)
    put(path.replace("dashboard-style.css", "dashboard.css"), contents);
  put(join(lib, "THIRD-PARTY.txt"), licences());
  // The last one: it is what tells that the others are there.
  put(join(lib, "index.html"), readFileSync(join(directory, "src/style/index.html")));
}

function isFresh(): boolean {
  const page = join(lib, "index.html");
  if (!existsSync(page)) return false;
  const made = statSync(page).mtimeMs;
  const sources = globSync("packages/{dashboard,client,api}/src/**/*", { cwd: workspaceRoot });
  return sources.every((path) => statSync(join(workspaceRoot, path)).mtimeMs <= made);
}

/** Several processes may write at once: each file is always whole. */
function put(path: string, contents: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

function licences(): string {
  return ["preact", "uplot", "uqr"]
    .map((name) => {
      const text = readFileSync(join(workspaceRoot, "node_modules", name, "LICENSE"), "utf8");
      return `${name}\n\n${text.trim()}\n`;
    })
    .join("\n----\n\n");
}
