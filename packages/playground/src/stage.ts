import { dashboardFiles } from "@fulmen/dashboard";
import type { Narrator } from "./narrator.ts";
import type { Cast } from "./scenes.ts";
import { pay, readyChannel } from "./storyOnChain.ts";

/**
 * What is left to play with when the story is told: two channels, a payment over both, and a dashboard of each node.
 */
export async function setStage({ network, alice, bob, carol }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter("The stage is yours");
  const { routableChannels: before } = await alice.call("status");
  await readyChannel(network, narrator, { from: alice, to: bob, funding: 600_000n });
  await readyChannel(network, narrator, { from: bob, to: carol, funding: 500_000n });
  await network.until("alice knows the way to carol", async () => {
    const { routableChannels } = await alice.call("status");
    return routableChannels >= before + 2;
  });
  await pay(alice, carol, { amount: 150_000n, narrator });
  // Bundled once, before all nodes ask for it.
  await dashboardFiles();
  narrator.tell("a dashboard of each node, in your browser:");
  for (const node of network.nodes)
    narrator.line(`            ${node.name.padEnd(5)}  ${await node.serveDashboard()}`);
  narrator.line("");
}
