import type { Scope } from "./scopes.ts";

/** Where an operation is found, and who may ask for it. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Parameters are in braces, as in OpenAPI. */
  readonly path: string;
  /** `undefined`: everybody, without a token. */
  readonly scope: Scope | undefined;
}

/**
 * All operations of the HTTP API by name. It stands apart from the schemas so that a client needs no zod: parameters in
 * the path come from the input's fields of the same name; what is left goes into the query of a GET and a DELETE and
 * into the body of a POST.
 */
export const routes = {
  health: { method: "GET", path: "/health", scope: undefined },
  readiness: { method: "GET", path: "/ready", scope: undefined },
  openApi: { method: "GET", path: "/openapi.json", scope: undefined },
  metrics: { method: "GET", path: "/metrics", scope: "read" },
  info: { method: "GET", path: "/v1/info", scope: "read" },
  balances: { method: "GET", path: "/v1/balances", scope: "read" },
  channels: { method: "GET", path: "/v1/channels", scope: "read" },
  openChannel: { method: "POST", path: "/v1/channels", scope: "admin" },
  closeChannel: { method: "POST", path: "/v1/channels/{channelId}/close", scope: "admin" },
  forceCloseChannel: { method: "POST", path: "/v1/channels/{channelId}/force-close", scope: "admin" },
  updateChannel: { method: "POST", path: "/v1/channels/{channelId}/config", scope: "admin" },
  peers: { method: "GET", path: "/v1/peers", scope: "read" },
  connectPeer: { method: "POST", path: "/v1/peers", scope: "admin" },
  disconnectPeer: { method: "DELETE", path: "/v1/peers/{nodeId}", scope: "admin" },
  graph: { method: "GET", path: "/v1/graph", scope: "read" },
  decode: { method: "POST", path: "/v1/decode", scope: "read" },
  explainRoute: { method: "POST", path: "/v1/routes", scope: "read" },
  payments: { method: "GET", path: "/v1/payments", scope: "read" },
  payment: { method: "GET", path: "/v1/payments/{id}", scope: "read" },
  pay: { method: "POST", path: "/v1/payments", scope: "pay" },
  abandonPayment: { method: "POST", path: "/v1/payments/{id}/abandon", scope: "pay" },
  receive: { method: "POST", path: "/v1/invoices", scope: "receive" },
  claimPayment: { method: "POST", path: "/v1/invoices/{paymentHash}/claim", scope: "receive" },
  failPayment: { method: "POST", path: "/v1/invoices/{paymentHash}/fail", scope: "receive" },
  newAddress: { method: "POST", path: "/v1/onchain/addresses", scope: "receive" },
  transactions: { method: "GET", path: "/v1/onchain/transactions", scope: "read" },
  sendOnchain: { method: "POST", path: "/v1/onchain/transactions", scope: "admin" },
  bumpTransaction: { method: "POST", path: "/v1/onchain/transactions/{txid}/bump", scope: "admin" },
  ledger: { method: "GET", path: "/v1/ledger", scope: "read" },
  ledgerCsv: { method: "GET", path: "/v1/ledger.csv", scope: "read" },
  signMessage: { method: "POST", path: "/v1/messages/sign", scope: "admin" },
  verifyMessage: { method: "POST", path: "/v1/messages/verify", scope: "read" },
  sendRaw: { method: "POST", path: "/v1/developer/sends", scope: "pay" },
  backup: { method: "POST", path: "/v1/backup", scope: "admin" },
  events: { method: "GET", path: "/v1/events", scope: "read" },
} as const satisfies Readonly<Record<string, Route>>;

/** The name of an operation. */
export type OperationName = keyof typeof routes;
