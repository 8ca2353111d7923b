import { fromHex } from "@fulmen/bitcoin/primitives";
import { decodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { collectingFollower } from "./collectingFollower.ts";

/** What the page is asked. */
export interface EsploraQuestion {
  /** Of the server's API, at another origin than the page's. */
  readonly url: string;
  /** In hex: a wallet's only one. */
  readonly script: string;
  /** In hex: a package, the parent first. */
  readonly broadcast: readonly string[];
}

/** What it found. */
export interface EsploraReport {
  readonly tip: string;
  readonly heard: readonly string[];
  readonly unconfirmed: readonly string[];
  readonly feerates: readonly string[];
  readonly outcome: string;
}

// The program of a page: everything that a node asks an Esplora server for, over the browser's `fetch`.
const { url, script, broadcast } = (await (await fetch("/question")).json()) as EsploraQuestion;
const source = new EsploraSource({ url, network: "regtest" });
await source.start();
const follower = collectingFollower();
const unconfirmed: string[] = [];
const clients = {
  followers: [follower],
  mempool: [
    {
      transactionSeen: (transaction: Parameters<typeof txid>[0]) => void unconfirmed.push(txid(transaction)),
    },
  ],
  scripts: [{ scripts: () => [fromHex(script)], takeScripts: () => [] }],
};
await source.sync(clients);
const outcome = await source.broadcast(broadcast.map((hex) => decodeTransaction(fromHex(hex))));
const { hash } = await source.sync(clients);
const { targets } = await source.feerates();
await source.stop();
const report: EsploraReport = {
  tip: hash,
  heard: follower.heard,
  unconfirmed,
  feerates: targets.map(({ blocks, feerate }) => `${blocks}: ${feerate}`),
  outcome: outcome.kind,
};
await fetch("/result", { method: "POST", body: JSON.stringify(report) });
