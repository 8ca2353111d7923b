import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { workspaceRoot } from "../source/workspace.ts";

// timeout: 300 s

const run = promisify(execFile);

/** As a user has it: without what Node and npm tell the programs that they run. */
const inherited = /^(npm_(?!config_).*|INIT_CWD|NODE_OPTIONS|NODE_TEST_CONTEXT)$/i;
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.test(name)));

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** The packages as npm would publish them, installed into an empty folder by name of their files. */
describe("the packed packages", () => {
  const folder = mkdtempSync(join(tmpdir(), "fulmen-packed-"));
  const app = join(folder, "app");
  const inApp = { cwd: app, env: environment };

  before(async () => {
    await run("npm", ["run", "build"], { cwd: workspaceRoot });
    const tarballs = join(folder, "tarballs");
    mkdirSync(tarballs);
    for (const manifest of globSync("packages/*/package.json", { cwd: workspaceRoot })) {
      const path = join(workspaceRoot, manifest);
      if (JSON.parse(readFileSync(path, "utf8")).private === true) continue;
      await run("npm", ["pack", "--pack-destination", tarballs], { cwd: dirname(path) });
    }
    mkdirSync(app);
    writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", type: "module" }));
    const packed = globSync("*.tgz", { cwd: tarballs }).map((name) => join(tarballs, name));
    await run("npm", ["install", "--no-audit", "--no-fund", ...packed], inApp);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  const fulmen = (...parameters: string[]): Promise<Ended> =>
    run(join(app, "node_modules", ".bin", "fulmen"), parameters, inApp).then(
      ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        output: error.stdout + error.stderr,
      }),
    );

  it("run the README's node in twelve lines", async () => {
    const program = join(app, "quickstart.ts");
    cpSync(join(workspaceRoot, "examples", "quickstart", "example.ts"), program);
    const { stdout } = await run(process.execPath, [program], inApp);
    assert.equal(stdout, "alice paid 25000000 msat, and bob has 25000000\n");
  });

  it("bring a command that makes a node and says what is missing", async () => {
    const manifest = readFileSync(join(workspaceRoot, "packages", "cli", "package.json"), "utf8");
    assert.deepEqual(await fulmen("--version"), { code: 0, output: `${JSON.parse(manifest).version}\n` });
    const data = join(folder, "data");
    const chain = ["--chain", "esplora", "--chain-url", "http://127.0.0.1:9/api"];
    const made = await fulmen("init", "--data-dir", data, "--network", "regtest", ...chain);
    assert.equal(made.code, 0, made.output);
    const absent = await fulmen("info", "--data-dir", data);
    assert.equal(absent.code, 12, absent.output);
  });

  it("have nothing in them but what is built, its sources and what npm asks for", async () => {
    for (const name of globSync("node_modules/@fulmen/*", { cwd: app })) {
      const foreign = globSync("*", { cwd: join(app, name) }).filter(
        (entry) => !/^(bin|dist|lib|packaging|src|package\.json|README\.md|LICENSE.*)$/.test(entry),
      );
      assert.deepEqual(foreign, [], name);
      assert.deepEqual(globSync("{dist,lib,src}/**/*.test.*", { cwd: join(app, name) }), [], name);
    }
  });
});
