import { z } from "@hono/zod-openapi";
import type { OperationName } from "../routes/routes.ts";
import * as schema from "../schema/index.ts";
import type { Operation } from "./operation.ts";

const json = <S extends z.ZodType>(schema: S) => ({ kind: "json", schema }) as const;

const node = {
  health: {
    tag: "Operating",
    summary: "Whether the process answers",
    answer: json(schema.Health),
  },
  readiness: {
    tag: "Operating",
    summary: "Whether the node can do its work",
    answer: json(schema.Readiness),
    otherStatus: { status: 503, description: "Not ready; the reasons are given." },
  },
  openApi: {
    tag: "Operating",
    summary: "This description, as OpenAPI 3.1",
    answer: json(z.looseObject({ openapi: z.string() }).openapi("OpenApiDocument")),
  },
  metrics: {
    tag: "Operating",
    summary: "Metrics for Prometheus",
    answer: { kind: "text", contentType: "text/plain" },
  },
  info: {
    tag: "Node",
    summary: "Who the node is and how it is",
    answer: json(schema.Info),
  },
  balances: {
    tag: "Node",
    summary: "All that the node has, each part explained",
    answer: json(schema.Balances),
  },
  peers: { tag: "Node", summary: "All peers", answer: json(schema.Peers) },
  graph: {
    tag: "Node",
    summary: "The part of the known network that is near the node",
    input: schema.GraphRequest,
    answer: json(schema.Graph),
  },
  connectPeer: {
    tag: "Node",
    summary: "Connect to a node, and keep the connection",
    input: schema.ConnectPeerRequest,
    answer: json(schema.Peer),
  },
  disconnectPeer: {
    tag: "Node",
    summary: "Hang up, and do not connect again",
    input: schema.PeerRequest,
    answer: json(schema.Done),
  },
  signMessage: {
    tag: "Node",
    summary: "Sign a text with the node's key",
    input: schema.SignRequest,
    answer: json(schema.Signature),
  },
  verifyMessage: {
    tag: "Node",
    summary: "Who signed a text",
    input: schema.VerifyRequest,
    answer: json(schema.Verified),
  },
  backup: {
    tag: "Operating",
    summary: "A copy of what the seed does not know of the channels",
    answer: json(schema.Backup),
  },
} as const satisfies Readonly<Partial<Record<OperationName, Operation>>>;

const channels = {
  channels: { tag: "Channels", summary: "All channels", answer: json(schema.Channels) },
  openChannel: {
    tag: "Channels",
    summary: "Open a channel",
    description: "Answers when the funding transaction is signed and about to be broadcast.",
    input: schema.OpenChannelRequest,
    answer: json(schema.OpenedChannel),
  },
  closeChannel: {
    tag: "Channels",
    summary: "Close a channel in agreement with the peer",
    description: "Answers when the closing has begun; the event `channel-closed` tells when it is done.",
    input: schema.CloseChannelRequest,
    answer: json(schema.Done),
  },
  forceCloseChannel: {
    tag: "Channels",
    summary: "Publish our commitment: slow and dear, for peers that do not answer",
    input: schema.ChannelRequest,
    answer: json(schema.Done),
  },
  updateChannel: {
    tag: "Channels",
    summary: "Change what a channel asks for forwarding",
    input: schema.UpdateChannelRequest,
    answer: json(schema.Done),
  },
} as const satisfies Readonly<Partial<Record<OperationName, Operation>>>;

const payments = {
  decode: {
    tag: "Payments",
    summary: "What a text asks for",
    input: schema.DecodeRequest,
    answer: json(schema.Decoded),
  },
  explainRoute: {
    tag: "Payments",
    summary: "Which way a payment would take now, and why",
    input: schema.ExplainRouteRequest,
    answer: json(schema.RouteExplanation),
  },
  payments: {
    tag: "Payments",
    summary: "Payments, the newest first, page by page",
    input: schema.PaymentsRequest,
    answer: json(schema.Payments),
  },
  payment: {
    tag: "Payments",
    summary: "One payment",
    input: schema.PaymentRequest,
    answer: json(schema.Payment),
  },
  pay: {
    tag: "Payments",
    summary: "Pay an invoice, an address or a URI",
    description:
      "An `Idempotency-Key` makes it safe to ask again after an answer was lost: the same key never pays twice, also after a restart.",
    input: schema.PayRequest,
    headers: {
      "Idempotency-Key": "1 to 80 characters of your choice, one key for each payment that you mean.",
    },
    answer: json(schema.Payment),
  },
  abandonPayment: {
    tag: "Payments",
    summary: "Stop trying; what is under way may still arrive",
    input: schema.PaymentRequest,
    answer: json(schema.Done),
  },
  sendRaw: {
    tag: "Payments",
    summary: "Offer one HTLC to a peer, whatever it does with it",
    description: "For protocol tests: refused on mainnet. Answers as soon as the payment is under way.",
    input: schema.RawSendRequest,
    answer: json(schema.Payment),
  },
  receive: {
    tag: "Payments",
    summary: "Make an invoice",
    input: schema.ReceiveRequest,
    answer: json(schema.Received),
  },
  claimPayment: {
    tag: "Payments",
    summary: "Take a held payment",
    input: schema.ClaimRequest,
    answer: json(schema.Payment),
  },
  failPayment: {
    tag: "Payments",
    summary: "Send a held payment back",
    input: schema.FailRequest,
    answer: json(schema.Payment),
  },
} as const satisfies Readonly<Partial<Record<OperationName, Operation>>>;

const accounts = {
  newAddress: {
    tag: "On chain",
    summary: "A new address of the wallet",
    answer: json(schema.Address),
  },
  transactions: {
    tag: "On chain",
    summary: "Transactions of the wallet, the newest first",
    answer: json(schema.WalletTransactions),
  },
  sendOnchain: {
    tag: "On chain",
    summary: "Send coins",
    input: schema.SendOnchainRequest,
    answer: json(schema.WalletTransaction),
  },
  bumpTransaction: {
    tag: "On chain",
    summary: "Make an unconfirmed transaction pay more",
    input: schema.BumpRequest,
    answer: json(schema.WalletTransaction),
  },
  ledger: {
    tag: "Accounts",
    summary: "The double-entry ledger, page by page",
    input: schema.LedgerRequest,
    answer: json(schema.Ledger),
  },
  ledgerCsv: {
    tag: "Accounts",
    summary: "The whole ledger, one line for each posting",
    answer: { kind: "text", contentType: "text/csv" },
  },
  events: {
    tag: "Events",
    summary: "Stored events, then new ones as they come",
    description:
      "Server-sent events: `id` is the index, `event` the kind, `data` the event. A browser's EventSource resumes by itself.",
    input: schema.EventsRequest,
    headers: { "Last-Event-ID": "Index of the last event that was dealt with." },
    answer: { kind: "events", schema: schema.NodeEvent },
  },
} as const satisfies Readonly<Partial<Record<OperationName, Operation>>>;

/** All operations: what they take, what they answer, in words and as schemas. */
export const operations = {
  ...node,
  ...channels,
  ...payments,
  ...accounts,
} as const satisfies Readonly<Record<OperationName, Operation>>;

type Operations = typeof operations;

/** What an operation takes, as a program has it: numbers are numbers. `undefined` when it takes nothing. */
export type InputOf<N extends OperationName> = Operations[N] extends {
  readonly input: infer S extends z.ZodType;
}
  ? z.output<S>
  : undefined;

/** What an operation answers: an object, or for texts a string. Of `events`, one event. */
export type OutputOf<N extends OperationName> = Operations[N]["answer"] extends {
  readonly schema: infer S extends z.ZodType;
}
  ? z.output<S>
  : string;
