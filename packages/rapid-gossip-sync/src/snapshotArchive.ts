import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import {
  encodeRapidSnapshot,
  type NetworkGraph,
  RapidGossipHistory,
  type RapidVersion,
  rapidSnapshotSince,
} from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";

const gzipAsync = promisify(gzip);
const day = 24 * 3600;

/** A snapshot that is ready to be sent. */
export interface ArchivedSnapshot {
  readonly bytes: Uint8Array;
  /** The same bytes, compressed once for all. */
  readonly compressed: () => Promise<Uint8Array>;
  /** Names its contents. */
  readonly etag: string;
  readonly latestSeen: UnixSeconds;
  /** When there may be a newer one. */
  readonly freshUntil: UnixSeconds;
}

export interface SnapshotArchiveOptions {
  /** The graph as it is at any time. */
  readonly graph: () => NetworkGraph;
  readonly now: UnixSeconds;
  /** Seconds between two looks at the graph. Default: three hours, as LDK's server. */
  readonly interval?: number;
  /**
   * A history that was stored; without it, a client that was told of the graph before is told of all of it once more.
   */
  readonly history?: RapidGossipHistory;
}

/**
 * The snapshots of one interval. The times from which clients ask are rounded down, to intervals within the last day
 * and to days before that, so that few snapshots differ and each is made once: what is asked costs nothing after that.
 */
export class SnapshotArchive {
  readonly history: RapidGossipHistory;
  readonly #graph: () => NetworkGraph;
  readonly #interval: number;
  readonly #snapshots = new Map<string, ArchivedSnapshot>();

  constructor({ graph, now, interval = 3 * 3600, history }: SnapshotArchiveOptions) {
    this.#graph = graph;
    this.#interval = interval;
    this.history = history ?? RapidGossipHistory.of(graph(), now);
  }

  /** Looks at the graph if a new interval has begun, and says whether it did. */
  refresh(now: UnixSeconds): boolean {
    const begun = roundDown(now, this.#interval);
    if (begun <= this.history.observedAt) return false;
    this.history.observe(this.#graph(), begun);
    this.#snapshots.clear();
    return true;
  }

  /** What a client needs that was last told of the graph at `since`. */
  snapshot(version: RapidVersion, since: number): ArchivedSnapshot {
    const from = this.#stepOf(since);
    const key = `${version}/${from}`;
    const known = this.#snapshots.get(key);
    if (known !== undefined) return known;
    const made = this.#make(version, from);
    this.#snapshots.set(key, made);
    return made;
  }

  #stepOf(since: number): UnixSeconds {
    const { observedAt, completeSince } = this.history;
    // All that is ahead of us, too, is one step: there is nothing to tell.
    const known = Math.min(since, observedAt);
    if (known === observedAt) return observedAt;
    const from = roundDown(known, observedAt - known <= day ? this.#interval : day);
    return from < completeSince || observedAt - from >= 7 * day ? (0 as UnixSeconds) : from;
  }

  #make(version: RapidVersion, since: UnixSeconds): ArchivedSnapshot {
    const { observedAt } = this.history;
    const bytes = encodeRapidSnapshot(rapidSnapshotSince(this.history, { version, since }));
    let compressed: Promise<Uint8Array> | undefined;
    return {
      bytes,
      compressed: () => {
        compressed ??= gzipAsync(bytes);
        return compressed;
      },
      etag: createHash("sha256").update(bytes).digest("base64url").slice(0, 22),
      latestSeen: observedAt,
      freshUntil: (roundDown(observedAt, this.#interval) + this.#interval) as UnixSeconds,
    };
  }
}

function roundDown(time: number, step: number): UnixSeconds {
  return (time - (time % step)) as UnixSeconds;
}
