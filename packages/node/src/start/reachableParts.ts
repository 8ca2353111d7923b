import { BackgroundProcessor, BumpTransactionHandler, systemClock } from "@fulmen/background";
import { ChainUtxoLookup } from "@fulmen/chain-sync";
import { VerifyPool } from "@fulmen/crypto-node/verifyPool";
import type { KvEntry } from "@fulmen/lightning/chain";
import { P2PGossipSync } from "@fulmen/lightning/gossip";
import { PeerStorage } from "@fulmen/lightning/manager";
import { PeerManager } from "@fulmen/lightning/peer";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { Reconnector, TcpTransport } from "@fulmen/net";
import type { NodeParts } from "../parts/index.ts";
import { dialOf } from "../tor/index.ts";
import { rebroadcast } from "./broadcasts.ts";
import { leaseOf } from "./lease.ts";
import type { PartsObserver } from "./observer.ts";
import { orThrow } from "./restore.ts";
import type { StartedParts } from "./stack.ts";

/** Milliseconds between two ticks of what is kept with peers, and for them. */
const storageTick = 10_000;
/** So many signatures of gossip are worth waking a thread for: some milliseconds of work. */
const signaturesForThread = 64;

type ReachableParts = Pick<
  NodeParts,
  "gossip" | "peerStorage" | "peerManager" | "background" | "transport" | "reconnector"
>;
type BaseParts = Omit<NodeParts, keyof ReachableParts>;

interface Starting {
  readonly observer: PartsObserver;
  readonly stack: StartedParts;
  /** What peers keep with us, as the store has it. */
  readonly blobs: readonly KvEntry[];
}

/**
 * What connects a node that stands at the chain's tip to its peers. Nobody is connected, and nothing runs, before
 * `background` starts.
 */
export function reachableParts(base: BaseParts, { observer, stack, blobs }: Starting): ReachableParts {
  const { options, store, logger } = base;
  const { development = {}, gossip: gossipOption = "peer-to-peer" } = options;
  const gossip = gossipOf(base, stack, () => background.wake());
  const peerStorage = peerStorageOf(base, stack, blobs);
  const peerManager = new PeerManager({
    nodeSigner: base.keys,
    handlers: { channel: peerStorage, ...(gossipOption === "peer-to-peer" && { routing: gossip }) },
    chainHash: base.network.genesisHash,
    logger,
  });
  const background = processorOf(
    { ...base, gossip, peerStorage, peerManager },
    { observer, stack, flush: () => transport.flush() },
  );
  const mayWrite = leaseOf(store);
  const connectVia = dialOf(options.tor);
  const transport = new TcpTransport({
    peers: background.peers,
    logger,
    ...(mayWrite && { mayWrite }),
    ...(connectVia && { connectVia }),
  });
  const minDelay = development.reconnectDelay;
  const reconnector = new Reconnector({
    connect: (address) => transport.connect(address),
    isConnected: (nodeId) => peerManager.peer(nodeId) !== undefined,
    ...(minDelay !== undefined && { minDelay, maxDelay: 10 * minDelay }),
  });
  return { gossip, peerStorage, peerManager, background, transport, reconnector };
}

function gossipOf(
  { source, graph, network, now }: BaseParts,
  stack: StartedParts,
  wake: () => void,
): P2PGossipSync {
  const utxoLookup: ChainUtxoLookup = new ChainUtxoLookup({
    source,
    answered: (id, answer) => {
      gossip.utxoResolved(id, answer);
      wake();
    },
  });
  stack.add(() => utxoLookup.stop());
  const gossip = new P2PGossipSync({
    graph,
    now: now() as UnixSeconds,
    utxoLookup,
    verification: "queued",
    // Who tries something out on a chain of his own does not want to wait.
    ...(network.name === "regtest" && { flushInterval: 0 }),
  });
  return gossip;
}

function peerStorageOf(
  { manager, keys, network, now }: BaseParts,
  stack: StartedParts,
  stored: readonly KvEntry[],
): PeerStorage {
  const peerStorage = orThrow(
    PeerStorage.restore(
      { inner: manager, nodeId: keys.nodeId, network, key: keys.peerStorageKey() },
      { stored, height: manager.bestBlock.height, now: now() },
    ),
  );
  const timer = setInterval(() => peerStorage.tick(now(), manager.bestBlock.height), storageTick);
  stack.add(() => clearInterval(timer));
  return peerStorage;
}

function processorOf(
  parts: Omit<NodeParts, "background" | "transport" | "reconnector">,
  { observer, stack, flush }: Omit<Starting, "blobs"> & { readonly flush: () => void },
): BackgroundProcessor {
  const { manager, peerManager, chainMonitor, sweeper, store, gossip, scorer, graph, logger } = parts;
  const { wallet, peerStorage, keys, broadcaster, now, options } = parts;
  const signatureVerifier = new VerifyPool({ smallest: signaturesForThread });
  stack.add(() => signatureVerifier.close());
  const bumping = { coins: wallet, signerProvider: keys, broadcaster, logger };
  return new BackgroundProcessor({
    manager,
    peerManager,
    chainMonitor,
    sweeper,
    store,
    gossip,
    signatureVerifier,
    scorer,
    networkGraph: graph,
    logger,
    clock: { ...systemClock, now },
    wallet: {
      // Nothing rests on what peers keep with us: it goes with any batch.
      takeWrites: () => [...wallet.takeWrites(), ...peerStorage.takeWrites()],
    },
    bumpTransactionHandler: new BumpTransactionHandler(bumping),
    handleEvent: observer.event,
    onStatus: (status) => {
      observer.status(status);
      // What was made while the store took nothing was not sent.
      if (status.kind === "running") rebroadcast(parts);
    },
    flush,
    ...(options.development?.forwardAtOnce && { forwardDelay: "none" as const }),
  });
}
