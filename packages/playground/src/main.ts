import { parseArgs } from "node:util";
import { messageOf } from "@fulmen/lightning/util";
import { Narrator } from "./narrator.ts";
import { Network } from "./network/network.ts";
import { runPrompt } from "./prompt.ts";
import type { Cast } from "./scenes.ts";
import { setStage } from "./stage.ts";
import { tellStory } from "./story.ts";

/*
 * `npm start`: a story told by three nodes, then a prompt to go on with. `--once` ends after the story; `--verbose`
 * shows the nodes' logs. The exit code is 0 only when everything was as it must be.
 */

const narrator = new Narrator(process.stdout);
let network: Network | undefined;
let ended = false;

/** The last thing that happens: no process and no file stays behind, however this one ends. */
process.on("exit", () => network?.abandon());
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
  ["SIGHUP", 1],
] as const) {
  process.on(signal, () => process.exit(128 + number));
}

function fail(text: string): never {
  ended = true;
  narrator.line("");
  narrator.line(narrator.style("red", `✗ ${text}`));
  process.exit(1);
}

process.on("uncaughtException", (error) => fail(error.stack ?? error.message));

function options(): { readonly once: boolean; readonly verbose: boolean } {
  try {
    const { values } = parseArgs({
      options: { once: { type: "boolean", default: false }, verbose: { type: "boolean", default: false } },
    });
    return values;
  } catch (error) {
    return fail(`${messageOf(error)}\nUse: npm start -- [--once] [--verbose]`);
  }
}

async function main(): Promise<void> {
  const { once, verbose } = options();
  narrator.title("Fulmen", `a Lightning network of its own, on Node ${process.versions.node}`);
  network = new Network(["alice", "bob", "carol"], {
    onDeath: (text) => {
      if (!ended) fail(text);
    },
    onLog: (name, level, text) => {
      if (verbose) narrator.line(narrator.style("dim", `            ${name} ${level} ${text}`));
    },
  });
  await tellStory(castOf(network), narrator);
  narrator.line("");
  narrator.line(`The story took ${narrator.elapsed.toFixed(1)} s.`);
  if (!once) {
    await setStage(castOf(network), narrator);
    await runPrompt(network, narrator);
  }
  ended = true;
  await network.stop();
}

function castOf(of: Network): Cast {
  const [alice, bob, carol] = of.nodes;
  if (alice === undefined || bob === undefined || carol === undefined) throw new Error("somebody is missing");
  return { network: of, alice, bob, carol };
}

try {
  await main();
} catch (error) {
  fail(messageOf(error));
}
