import { outPointKey, type Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { ChainClients, ChainFollower, ChainSource, MempoolListener } from "@fulmen/chain-sync";
import type { BlockLocator, Filter } from "@fulmen/lightning/chain";
import type { TestChain } from "../../chain/index.ts";
import { RecordingListener, type Wanted } from "./recordingListener.ts";

/** Two listeners that are always at one block, and that complain when they are not. */
export class RecordingFollower implements ChainFollower {
  readonly listeners: readonly [RecordingListener, RecordingListener];
  readonly #after: number;
  #isChecking = false;

  /** `after` is the height from which on it hears of everything: that of its position unless that is abandoned. */
  constructor(wanted: Wanted, position?: BlockLocator, after: number = position?.height ?? 0) {
    const heard = (): void => this.#heard();
    this.listeners = [
      new RecordingListener(wanted, position, heard),
      new RecordingListener(wanted, position, heard),
    ];
    this.#after = after;
  }

  position(): BlockLocator | undefined {
    return this.listeners[1].position;
  }

  /** How many blocks or tips it was told of. */
  get heard(): number {
    return this.listeners[1].heard;
  }

  /** Throws unless it knows what the chain says, and was told of it as it should be. */
  expectAt(chain: TestChain, what: string): void {
    const differences = this.listeners.flatMap((listener) => listener.differences(chain, this.#after));
    if (differences.length > 0) throw new Error(`${what}: ${differences.slice(0, 5).join("; ")}`);
  }

  /** Throws when it was told of something that cannot be. */
  expectNoComplaints(what: string): void {
    const complaints = this.listeners.flatMap((listener) => listener.complaints);
    if (complaints.length > 0) throw new Error(`${what}: ${complaints.slice(0, 5).join("; ")}`);
  }

  /** Looks, as soon as anybody awaits anything, whether both know the same: somebody might store it now. */
  #heard(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    void Promise.resolve().then(() => {
      this.#isChecking = false;
      const [first, second] = this.listeners;
      const complain = (text: string): void => void first.complaints.push(text);
      if (first.position?.hash !== second.position?.hash) complain("was kept waiting between two listeners");
      for (const { position, highestConfirmed } of this.listeners) {
        if (highestConfirmed > (position?.height ?? 0))
          complain("was kept waiting between transactions and their tip");
      }
    });
  }
}

/** Remembers what the mempool is said to have. */
export class RecordingMempool implements MempoolListener {
  readonly seen: Txid[] = [];
  readonly complaints: string[] = [];
  readonly #wanted: ReadonlySet<Txid>;

  /** `wanted` are those whose children come later than themselves. */
  constructor(wanted: readonly Txid[] = []) {
    this.#wanted = new Set(wanted);
  }

  transactionSeen(transaction: Transaction): void {
    const txid = txidOf(transaction);
    for (const { outPoint } of transaction.inputs) {
      if (this.#wanted.has(outPoint.txid) && !this.seen.includes(outPoint.txid))
        this.complaints.push(`${txid} was seen before its parent ${outPoint.txid}`);
    }
    this.seen.push(txid);
  }
}

/** What is synced for: registers with the source's filter what followers want. */
export function recordingClients(
  source: ChainSource,
  followers: readonly RecordingFollower[],
  wanted: Wanted,
  others: { readonly mempool?: RecordingMempool; readonly paced?: () => Promise<void> } = {},
): ChainClients {
  register(source.filter, wanted);
  let isTaken = false;
  const scripts = (): readonly Uint8Array[] => wanted.scripts ?? [];
  return {
    followers,
    mempool: others.mempool === undefined ? [] : [others.mempool],
    scripts: [
      {
        scripts,
        takeScripts: () => {
          const taken = isTaken ? [] : scripts();
          isTaken = true;
          return taken;
        },
      },
    ],
    ...(others.paced && { paced: others.paced }),
  };
}

function register(filter: Filter | undefined, { outputs = [] }: Wanted): void {
  const known = new Set<string>();
  for (const output of outputs) {
    if (!known.has(outPointKey(output.outPoint))) filter?.registerOutput(output);
    known.add(outPointKey(output.outPoint));
  }
}
