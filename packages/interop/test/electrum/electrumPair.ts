import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Sat } from "@fulmen/bitcoin/primitives";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import { msat, type NodeId, sat } from "@fulmen/lightning/util";
import { ElectrumPeer, OurNode, type OurNodeOptions, outPointOf, SharedChain } from "#src/index";
import { type Ledger, ledgerOf } from "../onChainLedger.ts";
import { channelOf, complaintsOf } from "../ourPair.ts";
import { isLate } from "../refusals.ts";

/** Who does something. */
export type Party = "us" | "electrum";

export const bothParties: readonly Party[] = ["us", "electrum"];

/** Our node and Electrum on one chain, connected; Electrum's wallet has a coin. */
export interface ElectrumPair {
  readonly us: OurNode;
  readonly electrum: ElectrumPeer;
  readonly chain: SharedChain;
  /** Where our node takes connections. */
  readonly ourPort: number;
}

export interface ElectrumPairOptions {
  readonly us?: Partial<OurNodeOptions>;
  /** What happens makes our node complain. */
  readonly expectsComplaints?: boolean;
}

/** Of every channel, in satoshis. */
export const capacity = 1_000_000n;
/** What the opener gives the other side of it. */
export const pushed = 400_000n;
const coin = 3_000_000n;

/** Electrum's commitments pay 45,000 sat per 1,000 weight on regtest, whatever its server estimates. */
const maximumFeerate = 50_000;

/** Both end with the test, in which our node may not have complained, nor the mempool about Electrum. */
export async function startElectrumPair(
  t: TestContext,
  options: ElectrumPairOptions = {},
): Promise<ElectrumPair> {
  const chain = new SharedChain();
  const electrum = await ElectrumPeer.start({ chain });
  t.after(() => electrum.stop());
  const us = await OurNode.start({ name: "us", seedByte: 9, chain, maximumFeerate, ...options.us });
  t.after(async () => {
    await us.stop();
    if (options.expectsComplaints !== true) assert.deepEqual(complaintsOf(us), []);
    // It publishes its commitment also after ours, as it should.
    const refused = electrum.takeRefused().filter(({ refusal }) => !isLate(refusal));
    assert.deepEqual(
      refused.map(({ refusal }) => refusal),
      [],
    );
  });
  const script = await electrum.newScript();
  chain.broadcaster.broadcastTransactions([chain.fund({ value: coin as Sat, script })], "funding");
  await chain.mine();
  await electrum.synced();
  const ourPort = await us.listen();
  await us.connect(electrum.port, electrum.nodeId);
  return { us, electrum, chain, ourPort };
}

/** Our node dies, and comes back from a store, not connected. */
export async function comeBack(
  t: TestContext,
  pair: ElectrumPair,
  options: Partial<OurNodeOptions>,
): Promise<ElectrumPair> {
  const { chain, electrum } = pair;
  await pair.us.discard();
  await electrum.until("end of the connection", async () => (await electrum.peers()).length === 0);
  const us = await OurNode.start({ name: "us again", seedByte: 9, chain, maximumFeerate, ...options });
  t.after(() => us.discard());
  return { ...pair, us };
}

/** Opens a channel, of which the other side has two fifths, and confirms it; gives our view once both can use it. */
export async function openChannel(pair: ElectrumPair, opener: Party): Promise<ChannelDetails> {
  const { us, electrum, chain, ourPort } = pair;
  const since = us.eventCount;
  if (opener === "us") {
    us.act((manager) =>
      manager.createChannel({
        counterparty: electrum.nodeId as NodeId,
        funding: sat(capacity),
        push: msat(pushed * 1_000n),
        formats: ["static-remotekey"],
      }),
    );
  } else {
    const point = await electrum.command("open_channel", {
      connection_string: `${us.nodeId}@127.0.0.1:${ourPort}`,
      amount: bitcoins(capacity),
      push_amount: bitcoins(pushed),
    });
    assert.ok(chain.chain.transaction(outPointOf(String(point)).txid), "the funding is in the mempool");
  }
  const { channelId } = await us.waitFor("channel-pending", () => true, since);
  await chain.mine(6);
  await electrum.synced();
  await bothUsable(pair, channelId);
  const channel = channelOf(us, channelId);
  assert.equal(channel.format, "static-remotekey");
  assert.equal(channel.isOutbound, opener === "us");
  return channel;
}

/** Waits until both sides can use the channel. */
export async function bothUsable(
  { us, electrum }: ElectrumPair,
  channelId: ChannelDetails["channelId"],
): Promise<void> {
  await us.until("usable channel", () =>
    us.manager.listUsableChannels().some((channel) => channel.channelId === channelId),
  );
  const { funding } = channelOf(us, channelId);
  await electrum.until("usable channel", async () => {
    const { state, peer_state } = await electrum.channel(funding);
    return state === "OPEN" && peer_state === "GOOD";
  });
}

/** A payment under way. */
export interface StartedPayment {
  readonly paymentHash: string;
  /** Of the payer, Electrum: whether it has succeeded, once it is over. */
  readonly success: Promise<boolean>;
}

/** Pays a new invoice over the direct channel; Electrum's are for whole satoshis. */
export async function startPayment(
  { us, electrum }: ElectrumPair,
  payer: Party,
  amountMsat: bigint,
): Promise<StartedPayment> {
  if (payer === "us") {
    const { invoice, paymentHash } = await electrum.invoice(amountMsat / 1_000n);
    us.act((manager) => manager.payForBolt11Invoice(invoice));
    return { paymentHash, success: Promise.resolve(true) };
  }
  const request = { amount: msat(amountMsat), description: "" };
  const { invoice, paymentHash } = us.act((manager) => manager.createBolt11Invoice(request));
  return { paymentHash, success: electrum.pay(invoice) };
}

/** Waits until the payer knows that it has paid. */
export async function paid(
  { us, electrum }: ElectrumPair,
  payer: Party,
  { paymentHash, success }: StartedPayment,
): Promise<void> {
  const isIt = (event: { readonly paymentHash: string }): boolean => event.paymentHash === paymentHash;
  if (payer === "us") {
    assert.equal((await us.waitFor("payment-sent", isIt)).feePaid, 0n);
  } else {
    assert.ok(await success, electrum.failure("it could not pay").message);
    await us.waitFor("payment-claimed", isIt);
  }
}

/** What each side should have in a channel. */
export class Balance {
  readonly #pair: ElectrumPair;
  readonly channelId: ChannelDetails["channelId"];
  #ours: bigint;

  /** Of a channel that was just opened. */
  constructor(pair: ElectrumPair, { channelId, isOutbound }: ChannelDetails) {
    this.#pair = pair;
    this.channelId = channelId;
    this.#ours = (isOutbound ? capacity - pushed : pushed) * 1_000n;
  }

  get ours(): bigint {
    return this.#ours;
  }

  get theirs(): bigint {
    return capacity * 1_000n - this.#ours;
  }

  /** Makes a payment, to its end. */
  async pay(payer: Party, amountMsat: bigint): Promise<void> {
    await paid(this.#pair, payer, await startPayment(this.#pair, payer, amountMsat));
    this.moved(payer, amountMsat);
  }

  moved(payer: Party, amountMsat: bigint): void {
    this.#ours += payer === "us" ? -amountMsat : amountMsat;
  }

  /** Waits until no HTLC is left, and until both sides see what is expected. */
  async check(): Promise<void> {
    const { us, electrum } = this.#pair;
    await us.until("end of all HTLCs", () => channelOf(us, this.channelId).pendingHtlcs === 0);
    const { localBalance, remoteBalance, funding } = channelOf(us, this.channelId);
    assert.deepEqual([localBalance, remoteBalance], [this.ours, this.theirs]);
    await electrum.until("end of all HTLCs", async () => {
      const { local_unsettled_sent, remote_unsettled_sent } = await electrum.channel(funding);
      return local_unsettled_sent === 0 && remote_unsettled_sent === 0;
    });
    const { local_balance, remote_balance } = await electrum.channel(funding);
    assert.deepEqual([local_balance, remote_balance], [floor(this.theirs), floor(this.ours)]);
  }
}

/** Connects again whenever the connection is gone, until `finish`. */
export function reconnectWhenCut({ us, electrum }: ElectrumPair): { finish(): Promise<void> } {
  let isFinished = false;
  const run = async (): Promise<void> => {
    while (!isFinished) {
      if (us.peers.listPeers().length === 0) {
        await electrum.until("end of the connection", async () => (await electrum.peers()).length === 0);
        await us.connect(electrum.port, electrum.nodeId);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const running = run();
  return {
    finish: () => {
      isFinished = true;
      return running;
    },
  };
}

function floor(amountMsat: bigint): number {
  return Number(amountMsat / 1_000n);
}

function bitcoins(sats: bigint): string {
  return `0.${String(sats).padStart(8, "0")}`;
}

/** Mines, and waits until both have seen it. */
export async function mine({ us, electrum, chain }: ElectrumPair, blocks: number): Promise<void> {
  await chain.mine(blocks);
  await electrum.synced();
  await us.until("blocks", () => us.manager.bestBlock.height === chain.height);
}

/** Where the channel's satoshis are now. */
export async function ledger(
  { us, electrum, chain }: ElectrumPair,
  { funding }: ChannelDetails,
): Promise<Ledger> {
  return ledgerOf(chain.chain, funding, { us: [us.wallet.script], ldk: await electrum.scripts() });
}
