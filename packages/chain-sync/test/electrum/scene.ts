import assert from "node:assert/strict";
import { type ChainClients, ChainSourceError, type ChainSourceErrorCode } from "@fulmen/chain-sync";
import { ElectrumSource, type ElectrumSourceOptions } from "@fulmen/chain-sync/electrum";
import type { ElectrumServer } from "@fulmen/testkit/electrum";
import type { RecordingFollower } from "../transactions/recordingFollower.ts";
import { Served, type ServeOptions, servedElectrum } from "./servedElectrum.ts";

const impatient = { network: "regtest", minReconnectDelay: 5, retryDelay: 5, timeout: 5_000 } as const;

/** Ends everything that a test began, in the end. */
export class Scene {
  readonly #endings: (() => Promise<void>)[] = [];

  async serve(server: ElectrumServer, options: Parameters<typeof servedElectrum>[1] = {}): Promise<Served> {
    return this.#keep(await servedElectrum(server, options));
  }

  /** A server that says the same to everybody, once it has heard something. */
  async sayer(text: string, options: ServeOptions = {}): Promise<Served> {
    return this.#keep(
      await Served.listen((to) => ({ received: () => to.send(text), closed: () => {} }), options),
    );
  }

  /** A server that closes what it has just accepted. */
  async closer(options: ServeOptions = {}): Promise<Served> {
    return this.#keep(
      await Served.listen((to) => {
        to.close();
        return { received: () => {}, closed: () => {} };
      }, options),
    );
  }

  #keep(served: Served): Served {
    this.#endings.unshift(() => served.close());
    return served;
  }

  source(
    servers: ElectrumSourceOptions["servers"],
    options: Partial<ElectrumSourceOptions> = {},
  ): ElectrumSource {
    const source = new ElectrumSource({ ...impatient, servers, ...options });
    this.#endings.unshift(() => source.stop());
    return source;
  }

  async end(): Promise<void> {
    for (const ending of this.#endings) await ending();
  }
}

/** Runs a test, and ends all that it began. */
export async function scene(body: (scene: Scene) => Promise<void>): Promise<void> {
  const it = new Scene();
  try {
    await body(it);
  } finally {
    await it.end();
  }
}

/** The error that a promise must fail with. */
export async function failure(
  promise: Promise<unknown>,
  code: ChainSourceErrorCode,
): Promise<ChainSourceError> {
  const error = await promise.then(
    () => new Error("nothing failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ChainSourceError, String(error));
  assert.equal(error.code, code, error.message);
  assert.notEqual(error.remedy, "");
  return error;
}

/** A follower, and the scripts that it wants. */
export function clientsOf(follower: RecordingFollower, scripts: readonly Uint8Array[] = []): ChainClients {
  let isTaken = false;
  return {
    followers: [follower],
    mempool: [],
    scripts: [
      {
        scripts: () => scripts,
        takeScripts: () => {
          const taken = isTaken ? [] : scripts;
          isTaken = true;
          return taken;
        },
      },
    ],
  };
}
