import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compareWithBolts } from "./source/boltComparison.ts";
import { type BoltTables, readBoltTables } from "./source/boltTables.ts";
import { workspaceRoot } from "./source/workspace.ts";

/*
 * Compares what we declare of messages, TLV records, failures and features with the tables of the BOLTs: names, order,
 * types and sizes. `--extract DIR` first reads those tables anew from the Markdown in a clone of the BOLTs.
 */

const figures = join(workspaceRoot, "fixtures", "bolts", "messages.json");
const files: readonly (readonly [number, string])[] = [
  [1, "01-messaging.md"],
  [2, "02-peer-protocol.md"],
  [4, "04-onion-routing.md"],
  [7, "07-routing-gossip.md"],
  [9, "09-features.md"],
];

const { values } = parseArgs({ options: { extract: { type: "string" } } });
if (values.extract !== undefined) extract(values.extract);

const tables: BoltTables = JSON.parse(readFileSync(figures, "utf8"));
const differences = compareWithBolts(tables);
for (const difference of differences) console.log(difference);
console.log(`${tables.messages.length} messages compared, ${differences.length} differences`);
if (differences.length > 0) process.exitCode = 1;

function extract(directory: string): void {
  const texts = files.map(([bolt, name]) => ({
    bolt,
    markdown: readFileSync(join(directory, name), "utf8"),
  }));
  const commit = existsSync(join(directory, ".git"))
    ? execFileSync("git", ["-C", directory, "rev-parse", "HEAD"], { encoding: "utf8" }).trim()
    : undefined;
  const found = readBoltTables(texts);
  // The namespaces of BOLT 1's TLV test vectors are no part of the protocol.
  const streams = found.streams.filter(({ name }) => name !== "n1" && name !== "n2");
  mkdirSync(dirname(figures), { recursive: true });
  const source = {
    repository: "https://github.com/lightning/bolts",
    ...(commit === undefined ? {} : { commit }),
  };
  writeFileSync(figures, `${JSON.stringify({ source, ...found, streams }, undefined, 1)}\n`);
}
