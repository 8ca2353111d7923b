import { createInterface } from "node:readline";
import { messageOf } from "@fulmen/lightning/util";
import { ldkHandlers } from "./ldkCommands.ts";
import { LdkNode } from "./ldkNode.ts";
import type { LdkOptions } from "./ldkOptions.ts";
import { decodeLine, encodeLine, type LdkCommandName, type LdkLine, type LdkRequest } from "./ldkProtocol.ts";
import { loadLdk } from "./ldkRuntime.ts";

/**
 * One LDK node in a process of its own. The only argument is its `LdkOptions` as JSON; requests come line by line on
 * stdin and run one after the other, results and events leave on stdout. The process ends with its stdin.
 */
async function main(): Promise<void> {
  const options: LdkOptions = JSON.parse(process.argv[2] ?? "");
  await loadLdk();
  const node = new LdkNode(options, (event) => writeLine({ type: "event", event }));
  const handlers = ldkHandlers(node);
  writeLine({ type: "event", event: { type: "ready", nodeId: node.nodeId } });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = decodeLine<LdkRequest>(line);
    if (request.command === "stop") {
      writeLine({ type: "result", id: request.id, result: {} });
      break;
    }
    await answer(request, async () => {
      const handler = handlerOf(request.command);
      const result = await handler(request.args);
      node.settle();
      return result;
    });
  }
  node.sockets.stop();

  function handlerOf(command: LdkCommandName): (args: LdkRequest["args"]) => unknown {
    if (!Object.hasOwn(handlers, command)) throw new Error(`unknown command ${command}`);
    const handler: unknown = Reflect.get(handlers, command);
    return handler as (args: LdkRequest["args"]) => unknown;
  }
}

async function answer({ id, command }: LdkRequest, run: () => Promise<unknown>): Promise<void> {
  try {
    writeLine({ type: "result", id, result: await run() });
  } catch (error) {
    // After a trap the WebAssembly heap is in no defined state.
    if (error instanceof Error && error.name === "RuntimeError") throw error;
    writeLine({ type: "refused", id, text: `${command}: ${messageOf(error)}` });
  }
}

function writeLine(line: LdkLine): void {
  process.stdout.write(`${encodeLine(line)}\n`);
}

process.on("uncaughtException", (error) => {
  const text = error.stack ?? error.message;
  process.stdout.write(`${encodeLine({ type: "event", event: { type: "fatal", text } })}\n`, () =>
    process.exit(3),
  );
});

await main();
