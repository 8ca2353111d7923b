import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../support/temporaryDirectory.ts";
import { type StoreKind, storeKinds } from "./storeKinds.ts";

const script = fileURLToPath(new URL("./committingProcess.ts", import.meta.url));
const nodeParameters = [
  ...process.execArgv.filter((parameter) => parameter.startsWith("--conditions")),
  "--disable-warning=ExperimentalWarning",
];

interface Committer {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Fulfilled with all lines when the process has ended. */
  readonly ended: Promise<readonly string[]>;
}

function startCommitter(
  kind: StoreKind,
  path: string,
  options: { padding?: number; fileSizeLimitKiB?: number } = {},
): Committer {
  const { padding = 0, fileSizeLimitKiB } = options;
  const command = [process.execPath, ...nodeParameters, script, kind, path, String(padding)];
  // Node ignores SIGXFSZ, so a write past the limit fails as one to a full disk does.
  const child =
    fileSizeLimitKiB === undefined
      ? spawn(process.execPath, command.slice(1), { stdio: ["ignore", "pipe", "inherit"] })
      : spawn("bash", ["-c", `ulimit -f ${fileSizeLimitKiB}; exec "$@"`, "bash", ...command], {
          stdio: ["ignore", "pipe", "inherit"],
        });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  const ended = Promise.all([once(child, "exit"), once(reader, "close")]).then(() => lines);
  return { child, lines, ended };
}

async function firstLine(committer: Committer): Promise<void> {
  while (committer.lines.length === 0) {
    assert.equal(committer.child.exitCode, null, "the process ended before its first commit");
    await delay(5);
  }
}

/** The number that all ten keys hold; fails when they do not agree. */
async function commonValue(kind: StoreKind, path: string): Promise<number> {
  const store = await storeKinds[kind].open(path);
  const entries = await store.scan("k/", undefined, 100);
  await store.close();
  const values = new Set(
    entries.map(({ value }) => new DataView(value.buffer, value.byteOffset).getUint32(0)),
  );
  assert.equal(entries.length, 10);
  assert.equal(values.size, 1, `the keys hold parts of several batches: ${[...values].join(" ")}`);
  return [...values][0] ?? 0;
}

for (const kind of ["sqlite", "files"] as const) {
  const { name } = storeKinds[kind];
  describe(`a process with a store in ${kind}`, () => {
    it("killed while it commits: batches are whole, and nothing that was acknowledged is lost", async (context) => {
      const path = join(temporaryDirectory(context), name);
      let previous = 0;
      for (let round = 0; round < 6; round++) {
        const committer = startCommitter(kind, path, { padding: round % 3 === 0 ? 20_000 : 50 });
        await firstLine(committer);
        await delay(round * 9);
        committer.child.kill("SIGKILL");
        const lines = await committer.ended;
        const acknowledged = Math.max(...lines.map(Number));
        assert.ok(acknowledged > previous, `round ${round} got on`);
        const value = await commonValue(kind, path);
        assert.ok(
          value >= acknowledged,
          `round ${round}: ${acknowledged} was acknowledged, ${value} is there`,
        );
        previous = value;
      }
    });

    it("keeps a second process out, until it ends", async (context) => {
      const path = join(temporaryDirectory(context), name);
      const holder = startCommitter(kind, path);
      await firstLine(holder);
      const [line, ...more] = await startCommitter(kind, path).ended;
      assert.match(
        line ?? "",
        new RegExp(`^refused: StoreError: .*${name} is in use by process ${holder.child.pid} on `),
      );
      assert.deepEqual(more, []);
      holder.child.kill("SIGKILL");
      await holder.ended;
      assert.ok((await commonValue(kind, path)) > 0);
    });

    it("whose disk is full is told so, keeps what it had, and goes on when there is room", async (context) => {
      const path = join(temporaryDirectory(context), name);
      const lines = await startCommitter(kind === "files" ? "journal" : kind, path, {
        padding: 5_000,
        fileSizeLimitKiB: 1_000,
      }).ended;
      const failure = lines.findIndex((line) => line.startsWith("failed"));
      assert.ok(failure > 0, lines.join("\n"));
      assert.match(lines[failure] ?? "", /StoreError: the store .*: the disk (is full|does not answer)/);
      const acknowledged = lines[failure - 1];
      assert.equal(lines[failure + 1], `still there: ${acknowledged}`);
      assert.equal(await commonValue(kind, path), Number(acknowledged));
      const committer = startCommitter(kind, path);
      await firstLine(committer);
      committer.child.kill("SIGKILL");
      await committer.ended;
      assert.ok((await commonValue(kind, path)) > Number(acknowledged));
    });
  });
}
