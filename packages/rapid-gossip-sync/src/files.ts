import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import type { Network } from "@fulmen/bitcoin/network";
import {
  decodeRapidHistory,
  encodeRapidHistory,
  NetworkGraph,
  type RapidGossipHistory,
} from "@fulmen/lightning/gossip";
import { messageOf } from "@fulmen/lightning/util";

/** The graph in a file that `NetworkGraph.write` made, read again whenever the file has changed. */
export class GraphFile {
  readonly #path: string;
  readonly #network: Network;
  readonly #complain: (text: string) => void;
  #graph: NetworkGraph;
  #changedAt: number;

  /** Throws when there is no such file, or no graph in it. */
  constructor(path: string, network: Network, complain: (text: string) => void) {
    this.#path = path;
    this.#network = network;
    this.#complain = complain;
    this.#changedAt = statSync(path).mtimeMs;
    this.#graph = readGraph(path, network);
  }

  /** As it is now; as it was while the file cannot be read, which may be because somebody is writing it. */
  readonly current = (): NetworkGraph => {
    try {
      const changedAt = statSync(this.#path).mtimeMs;
      if (changedAt !== this.#changedAt) {
        this.#graph = readGraph(this.#path, this.#network);
        this.#changedAt = changedAt;
      }
    } catch (error) {
      this.#complain(`${this.#path}: ${messageOf(error)}`);
    }
    return this.#graph;
  };
}

function readGraph(path: string, { genesisHash }: Network): NetworkGraph {
  const hashSeed = randomBytes(4).readUInt32LE();
  return NetworkGraph.read(readFileSync(path), { chainHash: genesisHash, hashSeed });
}

/** The history in a file; undefined when there is no such file. Throws when there is something else in it. */
export function readHistory(path: string): RapidGossipHistory | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : decodeRapidHistory(readFileSync(path));
}

/** Writes a history in place of what was there; whoever reads meanwhile sees either of the two. */
export function writeHistory(path: string, history: RapidGossipHistory): void {
  writeWhole(path, encodeRapidHistory(history));
}

/** Writes a file of which nobody ever sees a part. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const pending = `${path}.${process.pid}.pending`;
  writeFileSync(pending, bytes, { flush: true });
  renameSync(pending, path);
}
