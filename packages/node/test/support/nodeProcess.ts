import { createInterface } from "node:readline";
import { Node, NodeError } from "@fulmen/node";
import { parseCall, textOfCall } from "./calls.ts";

// A node in a process of its own, that can be killed. Each line that comes in is a call of it, and has an answer.

const say = (line: unknown): void => void process.stdout.write(`${textOfCall(line)}\n`);
const node = await Node.create(parseCall(process.argv[2] ?? "")).catch((error: unknown) => {
  say({ error: failureOf(error) });
  process.exit(1);
});
say({ uri: node.uri, address: await node.onchain.address() });

for await (const line of createInterface({ input: process.stdin })) void answer(parseCall(line));

async function answer(call: {
  id: number;
  method: keyof Node | "memory";
  args: readonly unknown[];
}): Promise<void> {
  const { id, method, args } = call;
  try {
    if (method === "ledgerAccounts") say({ id, result: [...node.ledgerAccounts()] });
    else if (method === "memory") {
      globalThis.gc?.();
      say({ id, result: process.memoryUsage() });
    } else {
      const called: unknown = node[method];
      if (typeof called !== "function") throw new Error(`no method ${method}`);
      say({ id, result: await called.apply(node, args) });
    }
    if (method === "stop") process.exit(0);
  } catch (error) {
    say({ id, error: failureOf(error) });
  }
}

function failureOf(error: unknown): object {
  if (!(error instanceof NodeError)) return { message: String(error) };
  const { code, message, remedy } = error;
  return { code, message, remedy };
}
