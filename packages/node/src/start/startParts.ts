import { randomBytes } from "node:crypto";
import { crypto, nobleProvider } from "@fulmen/bitcoin/crypto";
import { BroadcastQueue, FeeEstimates } from "@fulmen/chain-sync";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { type Logger, withPrintableText } from "@fulmen/lightning/handlers";
import { peerStoragePrefix } from "@fulmen/lightning/storage";
import { type BlockHeight, blockHeight, feeratePerKw } from "@fulmen/lightning/util";
import type { NodeOptions } from "../api/options.ts";
import { ChainFollowing, chainClients, sourcesOf } from "../chain/index.ts";
import { networkOf, userConfig } from "../config/index.ts";
import type { NodeParts } from "../parts/index.ts";
import type { NodeKeys } from "../seed/index.ts";
import { readBackupRow } from "./backupRow.ts";
import { rebroadcast, SeenBroadcasts } from "./broadcasts.ts";
import { leaseOf } from "./lease.ts";
import type { PartsObserver } from "./observer.ts";
import { openStore } from "./openStore.ts";
import { reachableParts } from "./reachableParts.ts";
import { checkOwner, restore } from "./restore.ts";
import { restoreBackup } from "./restoreBackup.ts";
import type { StartedParts } from "./stack.ts";
import { steadySeconds } from "./steadySeconds.ts";

const defaultMaxEvents = 100_000;
const rebroadcastInterval = 10 * 60_000;
/** Milliseconds that miners may be ahead. */
const blockTimeAhead = 2 * 3_600_000;
/** Satoshis per 1,000 weight units in one per virtual byte. */
const perVbyte = 250;
/** More peers than that store nothing with us. */
const mostBlobs = 10_000;

/** A node at the chain's tip that nobody can reach yet. */
interface Started {
  readonly parts: NodeParts;
  readonly following: ChainFollowing;
}

interface Starting {
  readonly observer: PartsObserver;
  readonly stack: StartedParts;
  /** Ends the start: it rejects soon. */
  readonly signal: AbortSignal;
}

/**
 * Starts the parts in their order: records, filter registrations, the chain up to its tip. What was started is on
 * `stack`. Peers come later, when what was due has been done.
 */
export async function startParts(
  options: NodeOptions,
  { keys, walletSeed }: NodeKeys,
  starting: Starting,
): Promise<Started> {
  const { observer, stack } = starting;
  // Another node of this process, or its program, may have chosen one.
  if (crypto() === nobleProvider) installNodeCrypto();
  const network = networkOf(options.network);
  const config = userConfig(options);
  const logger = withPrintableText(options.logger ?? { log: () => undefined });
  const store = await openStore(options.storage);
  stack.add(() => store.close());
  const owner = { store, keys, network };
  const found = await checkOwner(owner);
  const { source, sources, height } = await startSource(options, logger, starting);
  const { storeIsEmpty } = found.records;
  const target = { ...owner, source, height, config, logger, storeIsEmpty };
  const isRestored = await restoreBackup(options, target);
  const owned = isRestored ? await checkOwner(owner) : found;
  const birthday = options.birthday ?? (await readBackupRow(store))?.birthday;
  const chain: { following?: ChainFollowing } = {};
  const now = steadySeconds({ least: () => (chain.following?.blockTime ?? 0) * 1_000 - blockTimeAhead });
  const maySend = leaseOf(store);
  const queue = new BroadcastQueue({ sources, logger, ...(maySend && { maySend }) });
  stack.add(() => queue.stop());
  const broadcaster = new SeenBroadcasts(queue, observer.beforeFunding, options.development?.onBroadcast);
  const entropy = { randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
  const given = { ...owner, logger, entropy, now, fees: feesOf(options), broadcaster };
  const stored = await restore(
    {
      ...given,
      walletSeed,
      config,
      birthday,
      tip: await source.locate(height),
      filter: source.filter,
      maxEvents: options.retention?.maxEvents ?? defaultMaxEvents,
    },
    owned,
  );
  broadcaster.wallet = stored.wallet;
  const base = { ...stored, ...given, options, source, sources };
  const walletStart = await walletStartOf(base, birthday);
  const following = new ChainFollowing(base, chainClients(base, walletStart), {
    progress: observer.progress,
    changed: () => {
      parts.background.wake();
      observer.chainChanged();
    },
  });
  chain.following = following;
  stack.add(() => following.stop());
  await following.catchUp();
  const blobs = await store.scan(peerStoragePrefix, undefined, mostBlobs);
  const parts: NodeParts = { ...base, ...reachableParts(base, { observer, stack, blobs }) };
  const timer = setInterval(() => rebroadcast(parts), rebroadcastInterval);
  stack.add(() => clearInterval(timer));
  rebroadcast(parts);
  return { parts, following };
}

/**
 * The chain's source, which has told its tip. It is stopped early when the start is to end: all that takes long waits
 * for it.
 */
async function startSource(
  options: NodeOptions,
  logger: Logger,
  { stack, signal }: Starting,
): Promise<Pick<NodeParts, "source" | "sources"> & { readonly height: BlockHeight }> {
  const { source, sources } = await sourcesOf(options, logger);
  stack.add(() => source.stop());
  const end = (): void => void source.stop().catch(() => undefined);
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  const { height } = await source.start();
  return { source, sources, height };
}

function feesOf({ network, maxFeerate }: NodeOptions): FeeEstimates {
  return new FeeEstimates({
    network,
    ...(maxFeerate !== undefined && { unhurriedMost: feeratePerKw(maxFeerate * perVbyte) }),
  });
}

/**
 * A wallet that has not seen a block yet begins where the node did, however long that is ago, or earlier: at its
 * birthday.
 */
async function walletStartOf(
  { wallet, manager, source }: Pick<NodeParts, "wallet" | "manager" | "source">,
  birthday: number | undefined,
): Promise<BlockLocator> {
  const { bestBlock } = manager;
  if (wallet.bestBlock !== undefined || birthday === undefined || birthday > bestBlock.height)
    return bestBlock;
  return source.locate(blockHeight(Math.max(birthday - 1, 0)));
}
