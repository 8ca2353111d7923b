import type { InputOf, OutputOf } from "@fulmen/api";
import { allows, type OperationName, type Scope } from "@fulmen/api/routes";
import { feeratePerKw, msat, sat } from "@fulmen/lightning/util";
import { type NodeApi, NodeError } from "@fulmen/node";
import { optionsOf, type Payer } from "../payments/payOnce.ts";
import { balancesView } from "../views/balanceViews.ts";
import { channelView, outPointView } from "../views/channelViews.ts";
import { graphView } from "../views/graphViews.ts";
import { decodedView, paymentView, routeView, transactionView } from "../views/paymentViews.ts";
import { bytesOf, channelIdOf, nodeIdOf, paymentHashOf, txidOf } from "./identifiers.ts";

/** What the handlers work with. */
export interface HandlerContext {
  readonly node: NodeApi;
  readonly payer: Payer;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Makes a backup file; absent where the node has none to give. */
  readonly backup?: () => Promise<{ readonly fileName: string; readonly content: Uint8Array }>;
  /** When all places had the newest backup, in seconds since 1970; absent while one has not. */
  readonly lastBackupAt?: () => number | undefined;
}

/** Operations that answer with JSON made from their input alone. */
export type HandledOperation = Exclude<
  OperationName,
  "openApi" | "metrics" | "ledgerCsv" | "events" | "readiness"
>;

/** What a handler may want to know of a request beside its input. */
export interface RequestFacts {
  readonly header: (name: string) => string | undefined;
  /** Of the token that came with it. */
  readonly scopes: readonly Scope[];
}

/** What each operation does. Inputs have been checked against their schemas. */
export type Handlers = {
  readonly [N in HandledOperation]: (
    input: InputOf<N>,
    request: RequestFacts,
  ) => OutputOf<N> | Promise<OutputOf<N>>;
};

const done = { done: true } as const;

/** The handlers of all operations over a node. */
export function makeHandlers(context: HandlerContext): Handlers {
  return {
    ...nodeHandlers(context),
    ...channelHandlers(context),
    ...paymentHandlers(context),
    ...accountHandlers(context),
  };
}

function nodeHandlers({ node, version, now, backup, lastBackupAt }: HandlerContext) {
  return {
    health: () => ({ status: "alive" }),
    info: () => {
      const { chain, channels, graph, warnings, backup: made, ...rest } = node.status();
      const { further, ...source } = chain;
      const backedUpAt = lastBackupAt?.();
      return {
        version,
        now: Math.floor(now() / 1000),
        ...rest,
        chain: { ...source, ...(further && { further: further.map((one) => ({ ...one })) }) },
        channels: { ...channels },
        graph: { ...graph },
        warnings: warnings.map((warning) => ({ ...warning })),
        lastEventIndex: node.lastEventIndex,
        ...(made && { backupMadeAt: made.madeAt }),
        ...(made?.atPeers && { backupAtPeers: made.atPeers }),
        ...(backedUpAt !== undefined && { lastBackupAt: backedUpAt }),
      };
    },
    balances: () => balancesView(node.balances()),
    peers: () => ({ peers: node.peers().map((peer) => ({ ...peer })) }),
    graph: ({ limit }) => graphView(node.graph(limit === undefined ? {} : { limit })),
    connectPeer: async ({ address }) => ({ ...(await node.connect(address)) }),
    disconnectPeer: async ({ nodeId }) => {
      await node.disconnect(nodeIdOf(nodeId));
      return done;
    },
    signMessage: ({ text }) => ({ ...node.signMessage(text) }),
    verifyMessage: ({ text, signature }) => ({ nodeId: node.verifyMessage(text, signature) }),
    backup: async () => {
      if (backup === undefined)
        throw new NodeError("invalid-request", "This daemon makes no backup files.", {
          remedy: "See docs/backup.md for what to keep.",
        });
      const { fileName, content } = await backup();
      return { fileName, contentBase64: Buffer.from(content).toString("base64") };
    },
  } as const satisfies Partial<Handlers>;
}

function channelHandlers({ node }: HandlerContext) {
  return {
    channels: () => ({ channels: node.channels().map(channelView) }),
    openChannel: async ({ peer, amountSat, pushMsat, announce, feeratePerKw: rate }) => {
      const { channelId, funding } = await node.openChannel({
        peer,
        amount: sat(BigInt(amountSat)),
        ...(pushMsat !== undefined && { push: msat(BigInt(pushMsat)) }),
        ...(announce !== undefined && { announce }),
        ...(rate !== undefined && { feerate: feeratePerKw(rate) }),
      });
      return { channelId, funding: outPointView(funding) };
    },
    closeChannel: async ({ channelId, address, feeratePerKw: rate }) => {
      await node.closeChannel(channelIdOf(channelId), {
        ...(address !== undefined && { address }),
        ...(rate !== undefined && { feerate: feeratePerKw(rate) }),
      });
      return done;
    },
    forceCloseChannel: async ({ channelId }) => {
      await node.forceCloseChannel(channelIdOf(channelId));
      return done;
    },
    updateChannel: async ({ channelId, feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta }) => {
      await node.updateChannel(channelIdOf(channelId), {
        ...(feeBaseMsat !== undefined && { forwardingFeeBase: msat(BigInt(feeBaseMsat)) }),
        ...(feeProportionalMillionths !== undefined && {
          forwardingFeeProportionalMillionths: feeProportionalMillionths,
        }),
        ...(cltvExpiryDelta !== undefined && { cltvExpiryDelta }),
      });
      return done;
    },
  } as const satisfies Partial<Handlers>;
}

function paymentHandlers({ node, payer, now }: HandlerContext) {
  return {
    decode: ({ text }) => decodedView(node.parse(text), now() / 1000),
    explainRoute: async ({ to, ...rest }) => routeView(await node.explainRoute(to, optionsOf(rest))),
    payments: async ({ limit = 100, after, direction, status }) => {
      const payments = await node.payments({
        limit,
        ...(after !== undefined && { after }),
        ...(direction !== undefined && { direction }),
        ...(status !== undefined && { status }),
      });
      const last = payments.length < limit ? undefined : payments.at(-1)?.sequence;
      return { payments: payments.map(paymentView), ...(last !== undefined && { next: last }) };
    },
    payment: async ({ id }) => paymentView(found(await node.payment(id), id)),
    pay: async (input, { header, scopes }) =>
      paymentView(await payer.pay(input, header("idempotency-key"), allows(scopes, "admin"))),
    abandonPayment: async ({ id }) => {
      await node.abandon(id);
      return done;
    },
    sendRaw: async ({ peer, amountMsat, paymentHash, paymentSecret, expiryDelta }) =>
      paymentView(
        await node.sendRaw({
          peer: nodeIdOf(peer),
          amount: msat(BigInt(amountMsat)),
          paymentHash: paymentHashOf(paymentHash),
          ...(paymentSecret !== undefined && { paymentSecret: bytesOf(paymentSecret) }),
          ...(expiryDelta !== undefined && { expiryDelta }),
        }),
      ),
    receive: async ({ amountMsat, paymentHash, preimage, description, descriptionHash, ...rest }) => ({
      ...(await node.receive({
        ...(amountMsat !== undefined && { amount: msat(BigInt(amountMsat)) }),
        ...(paymentHash !== undefined && { paymentHash: paymentHashOf(paymentHash) }),
        ...(description !== undefined && { description }),
        ...(descriptionHash !== undefined && { descriptionHash }),
        ...(preimage !== undefined && { preimage: bytesOf(preimage) }),
        ...(rest.expirySeconds !== undefined && { expirySeconds: rest.expirySeconds }),
        ...(rest.hold !== undefined && { hold: rest.hold }),
      })),
    }),
    claimPayment: async ({ paymentHash, preimage }) => {
      const proof = preimage === undefined ? undefined : bytesOf(preimage);
      return paymentView(await node.claim(paymentHashOf(paymentHash), proof));
    },
    failPayment: async ({ paymentHash }) => paymentView(await node.failHeld(paymentHashOf(paymentHash))),
  } as const satisfies Partial<Handlers>;
}

function accountHandlers({ node }: HandlerContext) {
  return {
    newAddress: async () => ({ address: await node.onchain.address() }),
    transactions: () => ({ transactions: node.onchain.history().map(transactionView) }),
    sendOnchain: async ({ address, amountSat, feeratePerKw: rate, spendReserve = false }) =>
      transactionView(
        await node.onchain.send({
          address,
          amount: amountSat === "all" ? "all" : sat(BigInt(amountSat)),
          spendReserve,
          ...(rate !== undefined && { feerate: feeratePerKw(rate) }),
        }),
      ),
    bumpTransaction: async ({ txid, feeratePerKw: rate, spendReserve = false }) =>
      transactionView(await node.onchain.bump(txidOf(txid), feeratePerKw(rate), { spendReserve })),
    ledger: async ({ limit = 100, after }) => {
      const entries = await node.ledger({ limit, ...(after !== undefined && { after }) });
      const last = entries.length < limit ? undefined : entries.at(-1)?.index;
      return {
        entries: entries.map(({ postings, ...rest }) => ({
          ...rest,
          postings: postings.map(({ account, amount }) => ({ account, amountMsat: amount.toString() })),
        })),
        ...(last !== undefined && { next: last }),
        accounts: Object.fromEntries(
          [...node.ledgerAccounts()].map(([account, amount]) => [account, amount.toString()] as const),
        ),
      };
    },
  } as const satisfies Partial<Handlers>;
}

function found<T>(value: T | undefined, id: string): T {
  if (value === undefined)
    throw new NodeError("unknown-payment", `There is no payment ${id}.`, {
      remedy: "List what there is with `fulmen payments`.",
    });
  return value;
}
