import { decodeAddress } from "@fulmen/bitcoin/address";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { type FeeratePerKw, type Result, type Sat, sat, type Txid, zeroSat } from "@fulmen/lightning/util";
import type { FundedTransaction, WalletRefusal, WalletTransaction } from "@fulmen/wallet";
import type { OnchainApi } from "../api/nodeApi.ts";
import { NodeError } from "../api/nodeError.ts";
import type { OnchainSendRequest, OnchainTransaction, SpendingOptions } from "../api/payments.ts";
import { walletError } from "../errors/index.ts";
import type { NodeParts } from "../parts/index.ts";

type OnchainParts = Pick<NodeParts, "wallet" | "manager" | "background" | "broadcaster" | "fees" | "network">;

/** Blocks within which a payment is to be confirmed unless its user says what it pays. */
const unhurriedBlocks = 12;

/** A fee up to this is paid however little is sent; beyond it, none that is more than what is sent. */
const unquestionedFee = sat(100_000);

/** What the wallet's user is given the wallet by. */
export interface OnchainAccess {
  readonly parts: () => OnchainParts;
  /** The same, for what changes something: throws while the store takes nothing. */
  readonly usable: () => OnchainParts;
  /** Called, and awaited, after each change. */
  readonly booked: () => Promise<void>;
}

/** The wallet for the node's user. */
export class Onchain implements OnchainApi {
  readonly #parts: () => OnchainParts;
  readonly #usable: () => OnchainParts;
  readonly #booked: () => Promise<void>;

  constructor({ parts, usable, booked }: OnchainAccess) {
    this.#parts = parts;
    this.#usable = usable;
    this.#booked = booked;
  }

  async address(): Promise<string> {
    const { address } = this.#parts().wallet.nextAddress();
    await this.#saved();
    return address;
  }

  async send({ address, amount, feerate, ...spending }: OnchainSendRequest): Promise<OnchainTransaction> {
    const { wallet, fees, network } = this.#usable();
    const rate = feerate ?? fees.forBlocks(unhurriedBlocks);
    let script: Uint8Array;
    try {
      script = decodeAddress(address, network);
    } catch {
      throw new NodeError("invalid-destination", `this is no address of ${network.name}`, {
        remedy: "copy the whole address again",
      });
    }
    const keep = this.#kept(spending);
    if (amount === "all" && keep === 0n) {
      return this.#broadcast(this.#sane(wallet.drainTo({ script, feerate: rate, isReplaceable: true })));
    }
    const value = amount === "all" ? this.#mostAbove(keep, script, rate) : amount;
    const funded = wallet.fundTransaction({
      outputs: [{ value, script }],
      feerate: rate,
      isReplaceable: true,
      keep,
    });
    return this.#broadcast(this.#sane(funded));
  }

  history(): readonly OnchainTransaction[] {
    return this.#parts()
      .wallet.transactions()
      .filter(({ txid }) => this.#parts().wallet.isActive(txid))
      .map((one) => this.#view(one))
      .reverse();
  }

  async bump(txid: Txid, feerate: FeeratePerKw, options: SpendingOptions = {}): Promise<OnchainTransaction> {
    const { wallet } = this.#usable();
    const request = { txid, feerate, keep: this.#kept(options) };
    const isReplaceable = wallet.transaction(txid)?.isReplaceable === true;
    return this.#broadcast(isReplaceable ? wallet.bumpFee(request) : wallet.bumpByChild(request));
  }

  transaction(txid: Txid): Transaction | undefined {
    return this.#parts().wallet.transaction(txid)?.transaction;
  }

  /** What a transaction must leave in the wallet. */
  #kept({ spendReserve = false }: SpendingOptions): Sat {
    return spendReserve ? zeroSat : this.#parts().manager.requiredAnchorReserve();
  }

  /** All but the reserve: what a payment of everything would leave, less what must stay and its change output. */
  #mostAbove(keep: Sat, script: Uint8Array, feerate: FeeratePerKw): Sat {
    const { wallet } = this.#parts();
    const drained = wallet.drainTo({ script, feerate });
    if (!drained.ok) throw walletError(drained.error);
    wallet.release(drained.value.lock);
    const all = drained.value.transaction.outputs.reduce((sum, { value }) => sum + value, 0n);
    const changeOutput = (feerate * 4n * 43n) / 1_000n + 1n;
    const most = all - keep - changeOutput;
    if (most > 0n) return sat(most);
    throw walletError({
      kind: "reserve-needed",
      keep,
      left: sat(all > changeOutput ? all - changeOutput : 0n),
    });
  }

  /** Refuses a fee that nobody means: a feerate in another unit is soon written. */
  #sane(funded: Result<FundedTransaction, WalletRefusal>): typeof funded {
    if (!funded.ok) return funded;
    const { fee, transaction, outputIndexes, lock } = funded.value;
    const paid = outputIndexes.reduce((sum, index) => sum + (transaction.outputs[index]?.value ?? 0n), 0n);
    if (fee <= unquestionedFee || fee <= paid) return funded;
    this.#parts().wallet.release(lock);
    throw new NodeError("invalid-amount", `the fee would be ${fee} sat, to send ${paid} sat`, {
      remedy: "give a lower feerate, in satoshis per 1,000 weight units, or send more at once",
      details: { feeSat: fee, amountSat: paid },
    });
  }

  async #broadcast(funded: Result<FundedTransaction, WalletRefusal>): Promise<OnchainTransaction> {
    if (!funded.ok) throw walletError(funded.error);
    const { wallet, broadcaster } = this.#parts();
    const signed = wallet.signPsbt(funded.value.psbt);
    if (!signed.ok) {
      wallet.release(funded.value.lock);
      throw new NodeError("invalid-request", `the wallet does not sign: ${signed.error.kind}`, {
        remedy: "look at the log",
      });
    }
    wallet.transactionSeen(signed.value);
    const txid = txidOf(signed.value);
    await this.#saved(txid);
    broadcaster.broadcastTransactions([signed.value], "sweep");
    await this.#booked().catch((cause: unknown) => {
      throw madeAnyway(txid, cause);
    });
    const known = wallet.transaction(txid);
    if (known === undefined) {
      throw new NodeError("unknown-transaction", "the wallet does not know what it made", {
        remedy: "look at the log",
        details: { txid, paymentId: txid },
      });
    }
    return this.#view(known);
  }

  /** What the wallet wants to remember is durable: a transaction that was made, or nothing that leaves. */
  async #saved(made?: Txid): Promise<void> {
    const { background } = this.#parts();
    await background.saved();
    if (background.status.kind === "running") return;
    if (made !== undefined) throw madeAnyway(made);
    throw new NodeError("frozen", "the store does not take what happened", {
      remedy: "see to the store: space on the disk, permissions, the database's server",
    });
  }

  #view({ txid, transaction, position, isReplaceable }: WalletTransaction): OnchainTransaction {
    const { wallet, manager } = this.#parts();
    let change = 0n;
    let isOurs = true;
    for (const { outPoint } of transaction.inputs) {
      const spent = wallet.transaction(outPoint.txid)?.transaction.outputs[outPoint.index];
      if (spent !== undefined && wallet.owns(spent.script)) change -= spent.value;
      else isOurs = false;
    }
    const paid = transaction.outputs.reduce((sum, { value }) => sum + value, 0n);
    const fee = isOurs ? sat(-change - paid) : undefined;
    for (const { value, script } of transaction.outputs) if (wallet.owns(script)) change += value;
    const height = position.kind === "confirmed" ? position.height : undefined;
    return {
      txid,
      change,
      ...(fee !== undefined && { fee }),
      ...(height !== undefined && { height }),
      confirmations: height === undefined ? 0 : manager.bestBlock.height - height + 1,
      isReplaceable: isReplaceable && height === undefined,
    };
  }
}

/** Whoever asked must not ask again: `paymentId` says what to look for. */
function madeAnyway(txid: Txid, cause?: unknown): NodeError {
  const text = `the store does not take the transaction ${txid}, which goes out as soon as it does, if it has not already`;
  return new NodeError("frozen", text, {
    remedy: "do not send it again: see to the store, and look for the transaction in the wallet's history",
    details: { txid, paymentId: txid },
    cause,
  });
}
