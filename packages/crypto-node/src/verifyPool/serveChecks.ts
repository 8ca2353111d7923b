import { parentPort } from "node:worker_threads";
import { overNoble } from "@fulmen/bitcoin/crypto";
import { nodeProvider } from "../provider.ts";
import { checksOfBytes } from "./checkBytes.ts";

/** What a worker of `VerifyPool` runs: it answers checks (`bytesOfChecks`) with a byte for each, 1 for a valid one. */
export function serveChecks(): void {
  const { ecdsaVerify } = overNoble(nodeProvider());
  parentPort?.on("message", (bytes: Uint8Array) => {
    const checks = checksOfBytes(bytes);
    const verdicts = new Uint8Array(checks.length);
    for (const [i, { signature, hash, key }] of checks.entries()) {
      verdicts[i] = ecdsaVerify(signature, hash, key) ? 1 : 0;
    }
    parentPort?.postMessage(verdicts);
  });
}
