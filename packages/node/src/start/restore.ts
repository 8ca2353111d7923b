import { randomBytes } from "node:crypto";
import { loadNetworkGraph, loadScores, readStoredRecords, risingMilliseconds } from "@fulmen/background";
import type { Network } from "@fulmen/bitcoin/network";
import type {
  BlockLocator,
  BroadcasterInterface,
  EntropySource,
  FeeEstimator,
  Filter,
  KVStore,
} from "@fulmen/lightning/chain";
import type { UserConfig } from "@fulmen/lightning/channel";
import type { Logger } from "@fulmen/lightning/handlers";
import { ChainMonitor, OutputSweeper, restoreManager } from "@fulmen/lightning/manager";
import { defaultAnchorReserveTerms } from "@fulmen/lightning/onchain";
import { DefaultRouter, ProbabilisticScorer } from "@fulmen/lightning/routing";
import type { KeysManager } from "@fulmen/lightning/sign";
import {
  openNodeRecord,
  readChainPosition,
  readSweeper,
  restoreMonitors,
  type StorageError,
} from "@fulmen/lightning/storage";
import { type BlockHeight, blockHeight, type Result } from "@fulmen/lightning/util";
import { accountFromSeed, Wallet } from "@fulmen/wallet";
import { NodeError, type NodeErrorCode } from "../api/nodeError.ts";
import { Journal } from "../journal/index.ts";
import type { StoredParts } from "../parts/index.ts";
import { backupRowWrite } from "./backupRow.ts";

export interface RestoreInput {
  readonly store: KVStore;
  readonly network: Network;
  readonly keys: KeysManager;
  readonly walletSeed: Uint8Array;
  readonly config: UserConfig;
  readonly logger: Logger;
  readonly entropy: EntropySource;
  readonly fees: FeeEstimator;
  readonly broadcaster: BroadcasterInterface;
  readonly filter: Filter | undefined;
  /** The tip of today, where a new node begins. */
  readonly tip: BlockLocator;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly birthday: number | undefined;
  readonly maxEvents: number;
}

const mostWalletRows = 10_000_000;

/** Whether the store is this node's: before anything else is read of it or written to it. */
export async function checkOwner({ store, keys, network }: Pick<RestoreInput, "store" | "keys" | "network">) {
  const records = await readStoredRecords(store);
  const check = { stored: records.node, storeIsEmpty: records.storeIsEmpty, nodeId: keys.nodeId, network };
  return { records, first: orThrow(openNodeRecord(check)) };
}

/** All that the store holds of the node, as it was; a new node in an empty store. */
export async function restore(
  input: RestoreInput,
  { records, first }: Awaited<ReturnType<typeof checkOwner>>,
): Promise<StoredParts> {
  const { store, keys, logger, entropy, tip, filter, network, now } = input;
  if (first.length > 0) {
    const birthday = Math.min(input.birthday ?? tip.height, tip.height);
    await store.commit([...first, backupRowWrite({ counter: 0, birthday })]);
  }
  const known = await networkKnowledge(input);
  const monitors = orThrow(restoreMonitors(records.monitors));
  const position = records.manager.chainPosition && orThrow(readChainPosition(records.manager.chainPosition));
  const bestHeight = (position ?? tip).height;
  const chain = {
    feeEstimator: input.fees,
    broadcaster: input.broadcaster,
    logger,
    ...(filter && { filter }),
  };
  const wallet = await openWallet(input, bestHeight);
  const sweeper = new OutputSweeper(
    { ...chain, outputSpender: keys, changeDestinationSource: wallet },
    { bestHeight, stored: orThrow(readSweeper(records.sweeper)) },
  );
  const chainMonitor = new ChainMonitor(
    { ...chain, signerProvider: keys, sweeper: sweepingFrom(sweeper, tip.height) },
    { bestHeight, monitors },
  );
  const environment = {
    ...chain,
    network,
    config: input.config,
    nodeSigner: keys,
    signerProvider: keys,
    entropy,
    router: known.router,
    clock: risingMilliseconds,
    watch: chainMonitor,
    anchorReserve: {
      // One coin raises the fee of one commitment in each block: the wallet need not be split.
      terms: { ...defaultAnchorReserveTerms, sharesCoins: true },
      confirmedCoins: () => wallet.confirmedCoins(),
      fundsChannels: true,
      monitor: (id: Parameters<ChainMonitor["monitor"]>[0]) => chainMonitor.monitor(id),
    },
  };
  const manager = orThrow(restoreManager(environment, records.manager, { tip, now: now() }));
  const journal = await Journal.open({ store, logger, now, maxEvents: input.maxEvents });
  return { store, journal, manager, chainMonitor, wallet, sweeper, ...known };
}

/** Spends nothing before the tip of today: blocks that are still to be read may have it spent already. */
function sweepingFrom(
  sweeper: OutputSweeper,
  delayUntilHeight: BlockHeight,
): Pick<OutputSweeper, "trackSpendableOutputs"> {
  return {
    trackSpendableOutputs: (outputs, options) =>
      sweeper.trackSpendableOutputs(outputs, { ...options, delayUntilHeight }),
  };
}

async function networkKnowledge({ store, logger, network }: RestoreInput) {
  const hashSeed = randomBytes(4).readUInt32LE();
  const graph = await loadNetworkGraph(store, { chainHash: network.genesisHash, hashSeed }, logger);
  const scores = await loadScores(store, logger);
  const scorer = new ProbabilisticScorer({ graph, ...(scores && { scores }) });
  return { graph, scorer, router: new DefaultRouter(graph, scorer) };
}

async function openWallet(
  { store, walletSeed, network, entropy, birthday }: RestoreInput,
  bestHeight: number,
): Promise<Wallet> {
  const account = accountFromSeed(walletSeed, { kind: "wpkh", network });
  const rows = await store.scan("wallet/", undefined, mostWalletRows);
  const height = blockHeight(Math.min(birthday ?? bestHeight, bestHeight));
  const opened = Wallet.open({ accounts: [account], entropySource: entropy, birthday: height }, rows);
  if (opened.ok) return opened.value;
  throw new NodeError("store-unusable", `the wallet's records cannot be used: ${opened.error.text}`, {
    remedy: "start the version of the program that wrote them, or restore the latest copy of the store",
  });
}

const codes: Readonly<Record<StorageError["kind"], NodeErrorCode>> = {
  missing: "store-unusable",
  corrupt: "store-unusable",
  "from-the-future": "store-unusable",
  "wrong-node": "wrong-seed",
  "wrong-network": "wrong-network",
  moved: "store-unusable",
  "monitor-ahead": "store-unusable",
  "monitor-behind": "store-unusable",
};

/** The value. Throws the error as a `NodeError`: with `code`, or with the one that belongs to its kind. */
export function orThrow<T>(result: Result<T, StorageError>, code?: NodeErrorCode): T {
  if (result.ok) return result.value;
  const { kind, key, text } = result.error;
  const [what, ...advice] = text.split(": ");
  throw new NodeError(code ?? codes[kind], what ?? text, {
    remedy: advice.length > 0 ? advice.join(": ") : "give the node its own store",
    details: { reason: kind, key },
  });
}
