import { type ChildProcess } from "node:child_process";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
export declare const root: string;
export declare const chain: import("@fulmen/testkit/chain").SimulatedChain;
export declare const faucet: import("@fulmen/testkit/wallet").Faucet;
export declare const bitcoind: BitcoindServer;
export declare const running: Set<ChildProcess>;
/** Where the chain is served as Bitcoin Core does. */
export declare const chainUrl: string;
/** Ends all that was started, and removes all that was written. */
export declare function cleanUp(): Promise<void>;
interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the output has this. */
  seen(text: string): Promise<void>;
}
export declare function begin(
  parameters: readonly string[],
  more?: {
    input?: string;
    env?: Record<string, string>;
  },
): Started;
export declare const run: (
  parameters: readonly string[],
  more?: Parameters<typeof begin>[1],
) => Promise<Ended>;
/** A data folder with a node for the served chain. */
export declare function newNode(name: string, settings?: object): Promise<string>;
export declare function freePort(): Promise<number>;
//# sourceMappingURL=processes.d.ts.map
