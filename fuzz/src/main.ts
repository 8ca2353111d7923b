import { parseArgs } from "node:util";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { graphBytesCampaign } from "./graphBytes.ts";
import { modelCampaign } from "./model/campaign.ts";
import { rapidGossipCampaign } from "./rapidGossip.ts";
import { scoresCampaign } from "./scores.ts";
import type { FuzzTarget } from "./target.ts";

/*
 * `npm run fuzz -- NAME [--seconds 60] [--seed N] [--runs N]`: random runs, each given by its seed alone. Without a
 * name it lists what there is. What fails is printed with its seed, shrunk, and written to `fuzz/found/`.
 */

const targets: Readonly<Record<string, FuzzTarget>> = {
  model: {
    summary: "three nodes under crashes, cuts, failing stores and reorgs, against a ledger",
    run: modelCampaign,
  },
  "graph-bytes": {
    summary: "a stored graph with bytes changed: refused, or read into a consistent one",
    run: graphBytesCampaign,
  },
  "rapid-gossip": {
    summary:
      "snapshots of the network with bytes changed, against a graph that must take them whole or not at all",
    run: rapidGossipCampaign,
  },
  scores: {
    summary: "stored scores with bytes changed: read, or refused; penalties stay numbers",
    run: scoresCampaign,
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1_000)) },
    runs: { type: "string", default: "1000000" },
  },
});
const [name, ...more] = positionals;
const target = name !== undefined && Object.hasOwn(targets, name) ? targets[name] : undefined;
const [seconds, seed, runs] = [values.seconds, values.seed, values.runs].map(Number);

if (target === undefined || more.length > 0) {
  say("npm run fuzz -- NAME [--seconds 60] [--seed N] [--runs N], where NAME is one of:");
  for (const [known, { summary }] of Object.entries(targets)) say(`  ${known}: ${summary}`);
  if (name !== undefined) process.exitCode = 1;
} else if (!isCount(seconds) || !isCount(seed) || !isCount(runs)) {
  say("--seconds, --seed and --runs take whole numbers");
  process.exitCode = 1;
} else {
  installNodeCrypto();
  if (!target.run({ seconds, seed, runs, say })) process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}
