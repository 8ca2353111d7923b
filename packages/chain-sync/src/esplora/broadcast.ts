import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { BroadcastOutcome } from "../chainSource.ts";
import { shown } from "./errors.ts";
import type { EsploraClient, Posted } from "./esploraClient.ts";

/** What nodes say of a transaction that they have already. */
const knownAlready =
  /already in (?:the )?mempool|already-in-mempool|txn-already-known|already in (?:block chain|utxo set)|same-nonwitness-data/i;

/** Offers transactions to a server: as a package where it takes packages, else one after the other. */
export class EsploraBroadcaster {
  readonly #client: EsploraClient;
  /** Until the server says that it knows no packages. */
  #takesPackages = true;

  constructor(client: EsploraClient) {
    this.#client = client;
  }

  async broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    if (transactions.length > 1 && this.#takesPackages) {
      if ((await this.#offerPackage(transactions)).kind === "accepted") return { kind: "accepted" };
    }
    // A package may be refused since it is none: of one whose parents are known, the child alone is enough.
    let outcome: BroadcastOutcome = { kind: "accepted" };
    for (const transaction of transactions) {
      const each = await this.#offer(transaction);
      if (each.kind === "refused" && outcome.kind === "accepted") outcome = each;
    }
    return outcome;
  }

  async #offerPackage(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    const posted = await this.#client.postPackage(transactions);
    if (posted.kind === "unsupported") this.#takesPackages = false;
    if (posted.kind !== "ok") return refused(posted);
    const { isTaken, reasons } = this.#client.packageOutcome(posted.text);
    const unknown = reasons.filter((reason) => !knownAlready.test(reason));
    if (isTaken || (reasons.length > 0 && unknown.length === 0)) return { kind: "accepted" };
    return { kind: "refused", reason: shown(unknown.join("; ")) };
  }

  async #offer(transaction: Transaction): Promise<BroadcastOutcome> {
    const posted = await this.#client.postTransaction(transaction);
    if (posted.kind === "ok") return { kind: "accepted" };
    const outcome = refused(posted);
    if (knownAlready.test(outcome.reason)) return { kind: "accepted" };
    // One that is confirmed, and whose outputs are spent, is refused for its missing inputs.
    const known = await this.#client.transaction(txidOf(transaction));
    return known === undefined ? outcome : { kind: "accepted" };
  }
}

/** Why, in the words of the node behind the server where it passes them on. */
function refused(posted: Posted): Extract<BroadcastOutcome, { kind: "refused" }> {
  if (posted.kind === "unsupported") return { kind: "refused", reason: "the server takes no transactions" };
  const [, message] = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(posted.text) ?? [];
  return { kind: "refused", reason: shown(message ?? posted.text) };
}
