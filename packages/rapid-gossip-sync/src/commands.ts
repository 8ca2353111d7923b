import { parseArgs } from "node:util";
import { type Network, networks } from "@fulmen/bitcoin/network";
import { DecodeError } from "@fulmen/lightning/codec";
import {
  encodeRapidSnapshot,
  type NetworkGraph,
  RapidGossipHistory,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { GraphFile, readHistory, writeHistory, writeWhole } from "./files.ts";
import { RapidGossipSyncServer } from "./snapshotServer.ts";

/** What a command has of the world. */
export interface CommandContext {
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly clock: () => UnixSeconds;
}

/** What is to be done about a command: 0 or 1 ends the program; a server goes on until it is closed. */
export type CommandResult = { readonly exitCode: 0 | 1 } | { readonly server: RapidGossipSyncServer };

const usage = `fulmen-rapid-gossip-sync serve --graph FILE --port N [--host ADDRESS] [--history FILE] [--interval SECONDS]
fulmen-rapid-gossip-sync make --graph FILE --out FILE [--since TIMESTAMP --history FILE] [--version 1|2]

  --graph     what NetworkGraph.write made; \`serve\` reads it again when it has changed
  --history   what changed when: read if it is there, and written; without it \`make\` tells everything, and
              \`serve\` tells everything once more to its clients when it was restarted
  --since     tell what changed since then, a time that a snapshot carried; 0, the default, tells everything
  --interval  how often the graph is looked at, in seconds; 10800 by default
  --version   of the format; 2 by default
  --network   mainnet by default, or testnet, signet, regtest`;

/** Runs a command line. */
export async function runCommand(
  parameters: readonly string[],
  context: CommandContext,
): Promise<CommandResult> {
  try {
    const { values, positionals } = parseArgs({ args: [...parameters], allowPositionals: true, options });
    const [verb, ...more] = positionals;
    if (more.length === 0 && verb === "serve") return await serve(values, context);
    if (more.length === 0 && verb === "make") return make(values, context);
    throw new UsageError(usage);
  } catch (error) {
    if (!isExpected(error)) throw error;
    context.complain(error.message);
    return { exitCode: 1 };
  }
}

const options = {
  graph: { type: "string" },
  history: { type: "string" },
  host: { type: "string" },
  interval: { type: "string" },
  network: { type: "string" },
  out: { type: "string" },
  port: { type: "string" },
  since: { type: "string" },
  version: { type: "string" },
} as const;

type Values = { readonly [K in keyof typeof options]?: string };

/** What a person did not mean. */
class UsageError extends Error {}

/** Errors of people, files and the network, which need no trace. */
function isExpected(error: unknown): error is Error {
  return (
    error instanceof UsageError ||
    error instanceof DecodeError ||
    (error instanceof Error && "code" in error && typeof error.code === "string")
  );
}

async function serve(values: Values, { say, complain, clock }: CommandContext): Promise<CommandResult> {
  const file = new GraphFile(needed(values, "graph"), networkOf(values), complain);
  const port = numberOf(values, "port", { most: 0xffff });
  const { history: historyPath, host = "127.0.0.1" } = values;
  const interval = numberOf(values, "interval", { least: 1, most: 7 * 24 * 3600, otherwise: 3 * 3600 });
  const history = storedHistory(historyPath, file.current(), clock());
  const save = (): void => {
    if (historyPath !== undefined) writeHistory(historyPath, server.history);
  };
  const server = new RapidGossipSyncServer({
    graph: file.current,
    clock,
    interval,
    ...(history && { history }),
    onRefresh: save,
    onError: (error) => complain(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  save();
  const bound = await server.listen({ port, host });
  say(`${server.history.channels.length} channels at http://${host}:${bound}/v2/snapshot/0`);
  return { server };
}

function make(values: Values, { say, complain, clock }: CommandContext): CommandResult {
  const graph = new GraphFile(needed(values, "graph"), networkOf(values), complain).current();
  const out = needed(values, "out");
  const since = numberOf(values, "since", { most: 0xffff_ffff, otherwise: 0 }) as UnixSeconds;
  const version = numberOf(values, "version", { least: 1, most: 2, otherwise: 2 }) === 1 ? 1 : 2;
  if (since > 0 && values.history === undefined) {
    throw new UsageError("--since needs --history: a graph alone does not tell what changed since then");
  }
  const now = clock();
  const stored = storedHistory(values.history, graph, now);
  if (stored !== undefined && now > stored.observedAt) stored.observe(graph, now);
  const history = stored ?? RapidGossipHistory.of(graph, now);
  const snapshot = rapidSnapshotSince(history, { version, since });
  const bytes = encodeRapidSnapshot(snapshot);
  writeWhole(out, bytes);
  if (values.history !== undefined) writeHistory(values.history, history);
  const { latestSeen, channels, updates } = snapshot;
  say(`${channels.length} channels and ${updates.length} updates as of ${latestSeen}, ${bytes.length} bytes`);
  return { exitCode: 0 };
}

/** A history that can go on with this graph at this time. */
function storedHistory(
  path: string | undefined,
  { chainHash }: NetworkGraph,
  now: UnixSeconds,
): RapidGossipHistory | undefined {
  const history = path === undefined ? undefined : readHistory(path);
  if (history === undefined) return undefined;
  if (history.chainHash !== chainHash) throw new UsageError(`${path} is of chain ${history.chainHash}`);
  // A clock may have been wrong, now or then: clients would refuse what has a time of the future.
  if (history.observedAt > now) throw new UsageError(`${path} is of ${history.observedAt}, it is ${now}`);
  return history;
}

function needed(values: Values, name: keyof Values): string {
  const value = values[name];
  if (value === undefined) throw new UsageError(`--${name} is missing\n\n${usage}`);
  return value;
}

function networkOf({ network: name = "mainnet" }: Values): Network {
  const network = Object.values(networks).find((one) => one.name === name);
  if (network === undefined) throw new UsageError(`--network takes ${Object.keys(networks).join(", ")}`);
  return network;
}

function numberOf(
  values: Values,
  name: keyof Values,
  {
    least = 0,
    most,
    otherwise,
  }: { readonly least?: number; readonly most: number; readonly otherwise?: number },
): number {
  if (values[name] === undefined && otherwise !== undefined) return otherwise;
  const text = needed(values, name);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not ${text}`);
  }
  return value;
}
