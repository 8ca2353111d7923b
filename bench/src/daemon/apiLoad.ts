import { Agent, request } from "node:http";
import type { DaemonProcess } from "./daemonProcess.ts";

/** A daemon takes 1,000. Where all are busy a request waits, which counts. */
const maxSockets = 100;

/** What is asked in turn: what a dashboard and a shop ask. One request in ten makes an invoice, which is stored. */
const requests: readonly (readonly [method: string, path: string, body?: object])[] = [
  ["GET", "/v1/info"],
  ["GET", "/v1/balances"],
  ["GET", "/v1/channels"],
  ["GET", "/v1/payments?limit=20"],
  ["GET", "/v1/peers"],
  ["GET", "/v1/info"],
  ["GET", "/v1/balances"],
  ["GET", "/v1/channels"],
  ["GET", "/v1/onchain/transactions"],
  ["POST", "/v1/invoices", { amountMsat: "1000000" }],
];

/**
 * Asks so many times a second, whether earlier requests are answered or not, and answers with how long each took from
 * the moment it was due, in milliseconds. Throws when one is refused.
 */
export async function askEvenly(
  { url, token }: Pick<DaemonProcess, "url" | "token">,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets });
  const begun = performance.now();
  const answers: Promise<number>[] = [];
  const count = perSecond * seconds;
  try {
    while (answers.length < count) {
      const elapsed = performance.now() - begun;
      for (let due = Math.min(count, Math.ceil((elapsed / 1_000) * perSecond)); answers.length < due; ) {
        const [method, path, body] = requests[answers.length % requests.length] ?? ["GET", "/health"];
        const dueAt = begun + (answers.length * 1_000) / perSecond;
        const took = ask(`${url}${path}`, { method, agent, token, ...(body && { body }) }).then(
          () => performance.now() - dueAt,
        );
        // Who waits for all of them hears of it.
        took.catch(() => undefined);
        answers.push(took);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return await Promise.all(answers);
  } finally {
    agent.destroy();
  }
}

interface Asked {
  readonly method: string;
  readonly agent: Agent;
  readonly token: string;
  readonly body?: object;
}

/** Resolves when the whole answer is there. */
function ask(url: string, { method, agent, token, body }: Asked): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        if ((answer.statusCode ?? 500) < 300) resolve();
        else reject(new Error(`${method} ${url}: ${answer.statusCode}`));
      });
    });
    asked.on("error", (error) => {
      // The server may end a connection that was idle for long just when it is used again.
      if (asked.reusedSocket) resolve(ask(url, { method, agent, token, ...(body && { body }) }));
      else reject(error);
    });
    asked.end(body && JSON.stringify(body));
  });
}
