import type { UnixSeconds } from "@fulmen/lightning/util";
import { runCommand } from "./commands.ts";

/* `fulmen-rapid-gossip-sync`: without parameters it says what it takes. */

const result = await runCommand(process.argv.slice(2), {
  say: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
  clock: () => Math.floor(Date.now() / 1000) as UnixSeconds,
});
if ("exitCode" in result) {
  process.exitCode = result.exitCode;
} else {
  const { server } = result;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.close());
}
