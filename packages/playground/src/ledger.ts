import { type OutPoint, outPointKey, toHex } from "@fulmen/bitcoin/primitives";
import type { Event } from "@fulmen/lightning/handlers";
import {
  type Msat,
  msat,
  plus,
  type Sat,
  sat,
  satToMsat,
  sum,
  zeroMsat,
  zeroSat,
} from "@fulmen/lightning/util";
import type { ChainAccounts } from "./chain/chainService.ts";

/** One side's view of a channel. */
export interface ChannelView {
  readonly owner: string;
  readonly channelId: string;
  readonly funding: OutPoint;
  readonly capacity: Sat;
  /** Whether `owner` opened it, and so pays its fees. */
  readonly isOpener: boolean;
  readonly local: Msat;
  readonly remote: Msat;
}

/** What the ledger is made of: the chain's account, and what each node says. */
export interface LedgerInput {
  readonly accounts: ChainAccounts;
  /** The names of the wallets, and their output scripts. */
  readonly owners: readonly { readonly name: string; readonly scripts: readonly Uint8Array[] }[];
  /** All channels that ever were: of closed ones the last view. */
  readonly channels: readonly ChannelView[];
}

/** What one wallet lost to another by no payment: the balance of a cheater, an anchor that another one spent. */
export interface Forfeit {
  readonly from: string;
  readonly to: string;
  readonly amount: Sat;
}

/** One wallet's line. All amounts are satoshis, thousandths in `inChannels`. */
export interface LedgerRow {
  readonly owner: string;
  readonly minted: Sat;
  readonly fees: Sat;
  readonly inChannels: Msat;
  readonly onChain: Sat;
  /**
   * What came from others, or went to them, by payments or as forfeits: all that the wallet has and has spent on fees,
   * less what it was given.
   */
  readonly earned: bigint;
}

export interface Ledger {
  readonly rows: readonly LedgerRow[];
  /** In HTLCs that are not settled: nobody's yet. */
  readonly inFlight: Msat;
  /** Coins, channels and fees together. */
  readonly found: Msat;
  readonly minted: Sat;
  /** Anchors that the child of a commitment spent, whoever had paid for them. */
  readonly anchorsTaken: readonly Forfeit[];
  /** What does not add up; empty when every satoshi is accounted for. */
  readonly problems: readonly string[];
}

/**
 * Accounts for every satoshi that the faucet gave away: it is a wallet's coin, in a channel, or was paid to a miner.
 * Each of the two peers' views of a channel must also agree with the coin that funds it, and with the other.
 */
export function ledgerOf({ accounts, owners, channels }: LedgerInput): Ledger {
  const problems: string[] = [];
  const ownerOf = new Map<string, string>();
  for (const { name, scripts } of owners) for (const script of scripts) ownerOf.set(toHex(script), name);
  const openers = new Map<string, string>();
  for (const { funding, owner, isOpener } of channels) {
    if (isOpener) openers.set(outPointKey(funding), owner);
  }

  const minted = new Amounts();
  for (const { script, value } of accounts.minted) minted.add(ownerOf.get(toHex(script)), value);
  const onChain = new Amounts();
  const anchors = anchorsOf(accounts, openers);
  const leftBehind = new Amounts();
  const funded = new Map<string, Sat>();
  for (const { outPoint, output } of accounts.unspent) {
    const key = outPointKey(outPoint);
    const owner = ownerOf.get(toHex(output.script));
    if (owner !== undefined) onChain.add(owner, output.value);
    else if (channels.some(({ funding }) => outPointKey(funding) === key)) funded.set(key, output.value);
    else if (anchors.has(key)) leftBehind.add(anchors.get(key), output.value);
    else problems.push(`${output.value} sat at ${key} belong to nobody we know`);
  }
  const fees = new Amounts();
  const anchorsTaken: Forfeit[] = [];
  for (const paid of accounts.fees) {
    const payer = payerOf(paid, ownerOf, openers);
    if (payer === undefined) problems.push(`nobody we know paid the fee of ${paid.txid}`);
    fees.add(payer, paid.fee);
    for (const { outPoint, output } of paid.inputs) {
      const from = anchors.get(outPointKey(outPoint));
      if (from === undefined || payer === undefined || from === payer) continue;
      anchorsTaken.push({ from, to: payer, amount: output.value });
    }
  }

  const inChannels = new Map<string, Msat>();
  let inFlight: bigint = 0n;
  for (const [key, capacity] of funded) {
    const views = channels.filter(({ funding }) => outPointKey(funding) === key);
    const view = views.find(({ isOpener }) => isOpener) ?? views[0];
    if (view === undefined) continue;
    problems.push(...disagreements(views, capacity));
    const other = views.find(({ owner }) => owner !== view.owner)?.owner;
    addTo(inChannels, view.owner, view.local);
    if (other !== undefined) addTo(inChannels, other, view.remote);
    inFlight += satToMsat(capacity) - view.local - view.remote;
  }

  const rows = owners.map(({ name: owner }) => row(owner, { minted, fees, leftBehind, onChain, inChannels }));
  const totals = [onChain.total, fees.total, leftBehind.total, sum(funded.values())];
  const found = satToMsat(sum(totals));
  if (found !== satToMsat(minted.total)) {
    problems.push(`the faucet gave ${minted.total} sat, coins, channels and fees are ${found / 1000n} sat`);
  }
  const earned = rows.reduce((total, each) => total + each.earned, 0n);
  if (earned + inFlight !== 0n) {
    problems.push(`payments brought ${earned} msat to wallets and ${inFlight} msat are under way`);
  }
  return { rows, inFlight: inFlight as Msat, found, minted: minted.total, anchorsTaken, problems };
}

/**
 * Whether what payments brought, by the ledger, is what the nodes' events said of them, and what was forfeited besides.
 * For when all is settled.
 */
export function earningsProblems(
  { rows, anchorsTaken }: Ledger,
  events: ReadonlyMap<string, readonly Event[]>,
  forfeits: readonly Forfeit[] = [],
): readonly string[] {
  return rows.flatMap(({ owner, earned }) => {
    let told = earnedByEvents(events.get(owner) ?? []);
    for (const { from, to, amount } of [...anchorsTaken, ...forfeits]) {
      if (from === owner) told -= satToMsat(amount);
      if (to === owner) told += satToMsat(amount);
    }
    return told === earned ? [] : [`${owner} has earned ${earned} msat, its events say ${told}`];
  });
}

function earnedByEvents(events: readonly Event[]): bigint {
  let earned = 0n;
  for (const event of events) {
    if (event.kind === "payment-sent") earned -= event.amount + event.feePaid;
    else if (event.kind === "payment-claimed") earned += event.amount;
    else if (event.kind === "payment-forwarded") earned += event.totalFeeEarned;
  }
  return earned;
}

/**
 * Who paid for a transaction: whose coin it spends; of a commitment the opener; of what spends a commitment's outputs
 * whoever got them.
 */
function payerOf(
  { inputs, outputs }: ChainAccounts["fees"][number],
  ownerOf: ReadonlyMap<string, string>,
  openers: ReadonlyMap<string, string>,
): string | undefined {
  const owners = [...inputs.map(({ output }) => output), ...outputs].map(({ script }) =>
    ownerOf.get(toHex(script)),
  );
  const opener = inputs.map(({ outPoint }) => openers.get(outPointKey(outPoint))).find(isSome);
  return opener ?? owners.find(isSome);
}

function isSome(name: string | undefined): boolean {
  return name !== undefined;
}

const anchorValue = 330n;

/** The anchors of commitments on the chain, and the openers, who paid for them. */
function anchorsOf(
  { fees }: ChainAccounts,
  openers: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const anchors = new Map<string, string>();
  for (const { txid, inputs, outputs } of fees) {
    const opener = inputs.map(({ outPoint }) => openers.get(outPointKey(outPoint))).find(isSome);
    if (opener === undefined) continue;
    for (const [index, { value }] of outputs.entries()) {
      if (value === anchorValue) anchors.set(outPointKey({ txid, index }), opener);
    }
  }
  return anchors;
}

/** Sums by owner; what has none counts in the total alone. */
class Amounts {
  readonly #byOwner = new Map<string, Sat>();
  #total = zeroSat;

  add(owner: string | undefined, amount: Sat): void {
    this.#total = sat(this.#total + amount);
    if (owner !== undefined) this.#byOwner.set(owner, sat(this.of(owner) + amount));
  }

  of(owner: string): Sat {
    return this.#byOwner.get(owner) ?? zeroSat;
  }

  get total(): Sat {
    return this.#total;
  }
}

function addTo(amounts: Map<string, Msat>, owner: string, amount: Msat): void {
  amounts.set(owner, msat((amounts.get(owner) ?? zeroMsat) + amount));
}

function row(
  owner: string,
  sums: {
    readonly minted: Amounts;
    readonly fees: Amounts;
    readonly leftBehind: Amounts;
    readonly onChain: Amounts;
    readonly inChannels: ReadonlyMap<string, Msat>;
  },
): LedgerRow {
  const minted = sums.minted.of(owner);
  const fees = plus(sums.fees.of(owner), sums.leftBehind.of(owner));
  const onChain = sums.onChain.of(owner);
  const inChannels = sums.inChannels.get(owner) ?? zeroMsat;
  const earned = satToMsat(onChain) + satToMsat(fees) + inChannels - satToMsat(minted);
  return { owner, minted, fees, inChannels, onChain, earned };
}

function disagreements(views: readonly ChannelView[], capacity: Sat): readonly string[] {
  const problems: string[] = [];
  for (const { owner, channelId, local, remote, capacity: said } of views) {
    const name = `channel ${channelId.slice(0, 8)}`;
    if (said !== capacity) problems.push(`${owner} takes ${name} for ${said} sat, its coin has ${capacity}`);
    if (local + remote > satToMsat(capacity)) {
      problems.push(`${owner} counts ${local} + ${remote} msat in ${name} of ${capacity} sat`);
    }
  }
  const [a, b] = views;
  const settled = (view: ChannelView) => view.local + view.remote === satToMsat(capacity);
  if (a && b && settled(a) && settled(b) && a.local !== b.remote) {
    problems.push(
      `${a.owner} has ${a.local} msat in channel ${a.channelId.slice(0, 8)} by its own account, ` +
        `${b.remote} msat by ${b.owner}'s`,
    );
  }
  return problems;
}
