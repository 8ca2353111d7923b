import type { Narrator } from "./narrator.ts";
import type { Network } from "./network.ts";
export async function runPrompt(_network: Network, _narrator: Narrator): Promise<void> {}
