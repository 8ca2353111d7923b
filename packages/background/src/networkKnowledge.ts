import { crypto } from "@fulmen/bitcoin/crypto";
import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import { DecodeError } from "@fulmen/lightning/codec";
import { NetworkGraph, type NetworkGraphOptions } from "@fulmen/lightning/gossip";
import type { Event, Logger } from "@fulmen/lightning/handlers";
import { type ChannelLiquidities, decodeScores, type ScoreUpdate } from "@fulmen/lightning/routing";
import { networkGraphKey, scoresKey } from "@fulmen/lightning/storage";
import { messageOf, toHex, type UnixSeconds } from "@fulmen/lightning/util";

/** A scorer that is taught, and stored when it can be written. */
export type TaughtScorer = ScoreUpdate & { write?(): Uint8Array };

export interface NetworkKnowledgeOptions {
  readonly store: KVStore;
  readonly logger: Logger;
  readonly scorer?: TaughtScorer;
  readonly graph?: { write(): Uint8Array };
}

/** Events that a handler may fail with before their lesson is forgotten to have been learned. */
const mostRemembered = 1_000;

/**
 * What a node knows of the network beside its own channels: the graph, and what a scorer learned. It is stored apart
 * from all else and now and then only, since it can be lost without harm: peers tell the graph again, and payments
 * teach.
 */
export class NetworkKnowledge {
  readonly #options: NetworkKnowledgeOptions;
  /** Indexes of events that taught: one that comes again must not teach twice. */
  readonly #learned = new Set<number>();
  /** What was stored last, by key, as a hash. */
  readonly #stored = new Map<string, string>();
  #scoresChanged = false;
  #saving: Promise<void> | undefined;

  constructor(options: NetworkKnowledgeOptions) {
    this.#options = options;
  }

  /** Teaches the scorer what an event tells. */
  learn(event: Event, index: number, now: UnixSeconds): void {
    const { scorer } = this.#options;
    if (scorer === undefined || this.#learned.has(index) || !teach(scorer, event, now)) return;
    this.#scoresChanged = true;
    this.#learned.add(index);
    if (this.#learned.size <= mostRemembered) return;
    for (const oldest of this.#learned) {
      this.#learned.delete(oldest);
      break;
    }
  }

  /** What was learned fades. That alone need not be stored: what is read fades by the time that has passed since. */
  timePassed(now: UnixSeconds): void {
    this.#options.scorer?.timePassed(now);
  }

  /** Stores what has changed. Never rejects: what the store does not take is tried again with the next call. */
  save(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    const { store, scorer, graph, logger } = this.#options;
    const writes: KvWrite[] = [];
    if (this.#scoresChanged && scorer?.write !== undefined)
      this.#addChanged(writes, scoresKey, scorer.write());
    if (graph !== undefined) this.#addChanged(writes, networkGraphKey, graph.write());
    this.#scoresChanged = false;
    if (writes.length === 0) return;
    try {
      await store.commit(writes);
    } catch (error) {
      for (const { key } of writes) this.#stored.delete(key);
      this.#scoresChanged = true;
      logger.log({
        level: "warn",
        module: "background",
        text: `the graph was not stored: ${messageOf(error)}`,
      });
    }
  }

  #addChanged(writes: KvWrite[], key: string, value: Uint8Array): void {
    const hash = toHex(crypto().sha256(value));
    if (this.#stored.get(key) === hash) return;
    this.#stored.set(key, hash);
    writes.push({ key, value });
  }
}

/** Says whether the event taught anything. */
function teach(scorer: ScoreUpdate, event: Event, now: UnixSeconds): boolean {
  switch (event.kind) {
    case "payment-path-successful":
    case "payment-path-failed":
    case "probe-successful":
    case "probe-failed":
      break;
    default:
      return false;
  }
  if (event.finalValue === undefined) return false;
  const path = { hops: event.path, finalValue: event.finalValue };
  if (event.kind === "payment-path-successful") scorer.paymentPathSuccessful(path, now);
  else if (event.kind === "probe-successful") scorer.probeSuccessful(path, now);
  else if (event.shortChannelId === undefined) {
    // The recipient itself refused it: all channels could have carried it.
    if (event.kind !== "payment-path-failed" || !event.paymentFailedPermanently) return false;
    scorer.probeSuccessful(path, now);
  } else if (event.kind === "payment-path-failed") scorer.paymentPathFailed(path, event.shortChannelId, now);
  else scorer.probeFailed(path, event.shortChannelId, now);
  return true;
}

/** The graph as it was stored last; an empty one when there is none, or none that can be read. */
export async function loadNetworkGraph(
  store: KVStore,
  options: NetworkGraphOptions,
  logger: Logger,
): Promise<NetworkGraph> {
  const bytes = await store.read(networkGraphKey);
  const graph = bytes && readOrForget("graph", () => NetworkGraph.read(bytes, options), logger);
  return graph ?? new NetworkGraph(options);
}

/**
 * What a scorer had learned, for `ProbabilisticScorerOptions.scores`; nothing when it was not stored, or cannot be
 * read.
 */
export async function loadScores(store: KVStore, logger: Logger): Promise<ChannelLiquidities | undefined> {
  const bytes = await store.read(scoresKey);
  return bytes && readOrForget("scores", () => decodeScores(bytes), logger);
}

function readOrForget<T>(what: string, read: () => T, logger: Logger): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const text = `the stored ${what} cannot be read, a new one is begun: ${error.message}`;
    logger.log({ level: "warn", module: "background", text });
    return undefined;
  }
}
