import { join } from "node:path";
import { dashboardFiles } from "@fulmen/dashboard";
import type { NodeApi } from "@fulmen/node";
import { createApp, Log, listen, PaymentKeys, TokenFile } from "@fulmen/server";

/**
 * Serves a node's API with the dashboard to this machine, as the daemon does; gives the page's address, with a token
 * that may do everything. `former` is the address that it had before a restart, and has again.
 */
export async function serveDashboard(node: NodeApi, folder: string, former?: string): Promise<string> {
  const tokens = new TokenFile(join(folder, "tokens.json"));
  const { port, hash } = new URL(former ?? "http://127.0.0.1");
  const app = createApp({
    node,
    version: "playground",
    tokens: (isFresh) => tokens.list(isFresh),
    paymentKeys: new PaymentKeys(join(folder, "payments.keys")),
    log: new Log("error", { write: (line) => void process.stderr.write(line) }),
    assets: await dashboardFiles(),
  });
  const { url } = await listen(app.fetch, { port: Number(port) });
  const fragment = hash || `#token=${tokens.create({ name: "playground", scopes: ["admin"] }).text}`;
  return `${url}/${fragment}`;
}
