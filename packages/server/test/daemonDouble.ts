import type { Scope } from "@fulmen/api/routes";
import type { AppOptions } from "@fulmen/server";
import { createApp, Log, PaymentKeys, type StoredToken } from "@fulmen/server";
import { hashOfToken } from "#src/tokens/token";
import { NodeDouble } from "./nodeDouble.ts";

const allScopes: readonly Scope[] = ["read", "receive", "pay", "admin"];

/** A token for each scope, whose text is the scope's name, and one that has expired. */
export const tokens: readonly StoredToken[] = [
  ...allScopes.map((scope) => ({
    id: scope,
    name: scope,
    scopes: [scope],
    hash: hashOfToken(scope),
    createdAt: 0,
  })),
  {
    id: "old",
    name: "old",
    scopes: ["admin"],
    hash: hashOfToken("old"),
    createdAt: 0,
    expiresAt: 1_600_000_000,
  },
];

/** The API over a double, with its log. */
export function daemonDouble(options: Partial<AppOptions> = {}) {
  const node = new NodeDouble();
  const lines: string[] = [];
  const app = createApp({
    node,
    version: "1.2.3",
    tokens: () => tokens,
    paymentKeys: new PaymentKeys(),
    log: new Log("debug", { write: (line) => void lines.push(line) }),
    ...options,
  });
  const ask = async (
    method: string,
    path: string,
    more: { token?: string; body?: unknown; headers?: object } = {},
  ) => {
    const { token = "admin", body, headers } = more;
    const response = await app.request(path, {
      method,
      headers: {
        ...(token !== "" && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
  return { app, node, lines, ask };
}
