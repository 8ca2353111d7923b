import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { ChannelId, OutPoint, Sat, Txid } from "@fulmen/lightning/util";
import type { WalletTransaction } from "@fulmen/wallet";
import type { LedgerKind, LedgerPosting } from "../api/ledger.ts";

/** What is known of who owns what, to tell what a transaction of the wallet is. */
export interface Ownership {
  owns(script: Uint8Array): boolean;
  /** A transaction that the wallet knows. */
  transaction(txid: Txid): Transaction | undefined;
  /** The channel whose funding this output is, if we paid it. */
  channelFundedBy(outPoint: OutPoint): { readonly channelId: ChannelId; readonly push: bigint } | undefined;
  /** The closed channel that this output belongs to, and its value in satoshis, once it was handed over. */
  closedOutput(outPoint: OutPoint): { readonly channelId: ChannelId; readonly value: bigint } | undefined;
  /** The channel of which this output is the funding, whoever paid it. */
  channelOfFunding(outPoint: OutPoint): ChannelId | undefined;
}

/** What a transaction of the wallet did. */
export interface WalletMove {
  readonly kind: LedgerKind;
  readonly postings: readonly LedgerPosting[];
  readonly text: string;
  /** What it gave to the wallet, in satoshis. */
  readonly change: bigint;
  /** What it paid to somebody else, and to miners, when it is a payment of ours. */
  readonly paid?: { readonly amount: bigint; readonly fee: bigint };
}

/** Reads a transaction as what happened to our money: every satoshi of `change` has a reason. */
export function walletMove({ transaction, txid }: WalletTransaction, who: Ownership): WalletMove {
  const sides = sidesOf(transaction, txid, who);
  const { change, ownInputs, inputs, opened, closed, foreign } = sides;
  const wallet: LedgerPosting = { account: "wallet", amount: change * 1_000n };
  if (closed.length > 0) {
    const taken = closed.reduce((total, { value }) => total + value, 0n);
    const postings = closed.map(({ channelId, value }) => ({
      account: `closing/${channelId}` as const,
      amount: -value * 1_000n,
    }));
    const fee: LedgerPosting = { account: "fees/mining", amount: (taken - change) * 1_000n };
    const text = "what closed channels left has come to the wallet";
    return { kind: "sweep", postings: [wallet, ...postings, fee], text, change };
  }
  if (ownInputs === 0) {
    const postings: LedgerPosting[] = [wallet, { account: "onchain/received", amount: -change * 1_000n }];
    return { kind: "deposit", postings, text: "coins came to the wallet", change };
  }
  if (opened.length > 0) {
    const funded = opened.reduce((total, { value }) => total + value, 0n);
    const postings = opened.flatMap(({ channelId, value, push }): readonly LedgerPosting[] => [
      { account: `channel/${channelId}`, amount: value * 1_000n - push },
      { account: "push/sent", amount: push },
    ]);
    const fee: LedgerPosting = { account: "fees/mining", amount: (-change - funded) * 1_000n };
    return {
      kind: "channel-open",
      postings: [wallet, ...postings, fee],
      text: "a channel was funded",
      change,
    };
  }
  if (ownInputs < inputs || foreign === 0n) {
    const postings: LedgerPosting[] = [wallet, { account: "fees/mining", amount: -change * 1_000n }];
    const text = "coins of the wallet got a transaction confirmed";
    return { kind: "fee-bump", postings, text, change };
  }
  const fee = -change - foreign;
  const postings: LedgerPosting[] = [
    wallet,
    { account: "onchain/sent", amount: foreign * 1_000n },
    { account: "fees/mining", amount: fee * 1_000n },
  ];
  return { kind: "withdrawal", postings, text: "coins were sent", change, paid: { amount: foreign, fee } };
}

interface Sides {
  readonly change: bigint;
  readonly inputs: number;
  readonly ownInputs: number;
  /** What goes to others. */
  readonly foreign: bigint;
  readonly opened: readonly { readonly channelId: ChannelId; readonly value: Sat; readonly push: bigint }[];
  readonly closed: readonly { readonly channelId: ChannelId; readonly value: bigint }[];
}

function sidesOf(transaction: Transaction, txid: Txid, who: Ownership): Sides {
  let change = 0n;
  let ownInputs = 0;
  let foreign = 0n;
  const opened: Sides["opened"][number][] = [];
  const closed: Sides["closed"][number][] = [];
  let spentChannel: ChannelId | undefined;
  for (const { outPoint } of transaction.inputs) {
    const spent = who.transaction(outPoint.txid)?.outputs[outPoint.index];
    if (spent !== undefined && who.owns(spent.script)) {
      change -= spent.value;
      ownInputs++;
    }
    const output = who.closedOutput(outPoint);
    if (output !== undefined) closed.push(output);
    spentChannel ??= who.channelOfFunding(outPoint);
  }
  for (const [index, { value, script }] of transaction.outputs.entries()) {
    const channel = who.channelFundedBy({ txid, index });
    if (channel !== undefined) opened.push({ ...channel, value });
    if (who.owns(script)) change += value;
    else foreign += value;
  }
  // A closing transaction that pays to the wallet itself.
  if (spentChannel !== undefined && ownInputs === 0) closed.push({ channelId: spentChannel, value: change });
  return {
    change,
    inputs: transaction.inputs.length,
    ownInputs,
    foreign,
    opened,
    closed,
  };
}
