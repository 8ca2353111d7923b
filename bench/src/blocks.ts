import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BlockHeader } from "@fulmen/bitcoin/block";
import { blockHash } from "@fulmen/bitcoin/block";
import { BitcoindSource } from "@fulmen/chain-sync/bitcoind";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { BlockLocator, TransactionInBlock } from "@fulmen/lightning/chain";
import type { BlockHeight } from "@fulmen/lightning/util";
import { type BenchResult, median } from "./measuredCase.ts";

/** A day. */
const blocks = 144;
const blockBytes = 2_000_000;
const mostSeconds = 30;

interface Server {
  readonly port: number;
  /** Of each block. */
  readonly transactions: number;
  readonly process: ChildProcess;
}

/**
 * How long it takes to hear of a day of full blocks from Bitcoin Core, by RPC and by REST: fetched over a real socket,
 * parsed, held to proof of work, merkle root and witness commitment, and told to a listener. The blocks are generated
 * and served by testkit, in a process of its own.
 */
export async function blocksBench(rounds: number): Promise<BenchResult> {
  installNodeCrypto();
  const server = await startServer();
  try {
    const byRpc: Taken[] = [];
    const byRest: Taken[] = [];
    for (let round = 0; round < rounds; round++) {
      byRpc.push(await take(server, false));
      byRest.push(await take(server, true));
    }
    const rpc = medians(byRpc);
    const rest = medians(byRest);
    const lower = { better: "lower", unit: "s", target: mostSeconds } as const;
    const memory = Math.round(process.resourceUsage().maxRSS / 1_000);
    return {
      cases: [
        { name: `${blocks} blocks of 2 MB by RPC`, ...lower, ours: rpc.seconds },
        { name: `${blocks} blocks of 2 MB by REST`, ...lower, ours: rest.seconds },
      ],
      notes: [
        `each block has ${server.transactions} transactions and ${(blockBytes / 1e6).toFixed(1)} MB; medians of ${rounds} rounds`,
        `of that on the processor, which others may be using: ${rpc.processor.toFixed(1)} s by RPC, ${rest.processor.toFixed(1)} s by REST (the server is another process); at most ${memory} MB of memory`,
      ],
    };
  } finally {
    server.process.kill();
  }
}

/** Seconds, by the clock and on the processor. */
interface Taken {
  readonly seconds: number;
  readonly processor: number;
}

function medians(taken: readonly Taken[]): Taken {
  return {
    seconds: median(taken.map(({ seconds }) => seconds)),
    processor: median(taken.map(({ processor }) => processor)),
  };
}

async function take({ port, transactions }: Server, rest: boolean): Promise<Taken> {
  const source = new BitcoindSource({
    network: "regtest",
    url: `http://127.0.0.1:${port}`,
    authentication: { kind: "password", user: "fulmen", password: "secret" },
    rest,
  });
  const listener = new CountingListener();
  const started = performance.now();
  const before = process.cpuUsage();
  await source.start();
  const follower = { position: () => listener.position, listeners: [listener] };
  await source.sync({ followers: [follower], mempool: [], scripts: [] });
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(before);
  await source.stop();
  if (listener.count !== blocks * transactions) throw new Error(`heard of ${listener.count} transactions`);
  return { seconds, processor: (user + system) / 1_000_000 };
}

/** Knows where it is and how much it has heard of. */
class CountingListener {
  count = 0;
  position: BlockLocator | undefined;

  blockConnected(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    this.count += transactions.length;
    this.position = { hash: blockHash(header), height, ancestors: [header.previous] };
  }

  blocksDisconnected(): void {}
  transactionsConfirmed(): void {}
  transactionUnconfirmed(): void {}
  bestBlockUpdated(): void {}

  relevantTxids(): readonly [] {
    return [];
  }
}

async function startServer(): Promise<Server> {
  const program = fileURLToPath(new URL("./blocks/serverProgram.ts", import.meta.url));
  const parameters = [...process.execArgv, program, String(blocks), String(blockBytes)];
  const child = spawn(process.execPath, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.setEncoding("utf8");
  let text = "";
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  if (!text.includes("\n")) throw new Error("the server of blocks did not start");
  return { ...(JSON.parse(text) as Omit<Server, "process">), process: child };
}
