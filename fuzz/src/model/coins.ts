import type { TestChain, TestNode } from "@fulmen/testkit";

/** Confirmed coins of a node, in sat. */
export function coinsOf(chain: TestChain, node: TestNode): bigint {
  const coins = scriptsOf(node).flatMap((script) => chain.coins(script));
  return coins.reduce((sum, { output }) => sum + output.value, 0n);
}

/** Where what closed channels leave a node ends up. */
export function scriptsOf({ wallet, keys }: TestNode): readonly Uint8Array[] {
  return [wallet.script, keys.destinationScript(new Uint8Array(32)), keys.shutdownScript()];
}
