import { NodeError } from "../api/nodeError.ts";
import type { ChainOption, NodeOptions } from "../api/options.ts";
import { translated } from "../errors/index.ts";
import { chainSourceOf } from "./sourceOf.ts";

/** How a chain source answers one who is about to start a node with it. */
export type ChainLook =
  | {
      /** What and where it is, without credentials. */
      readonly source: string;
      readonly height: number;
      /** Where it has deleted older blocks: the lowest that it has. */
      readonly oldestBlock?: number;
    }
  | { readonly source: string; readonly error: NodeError };

/** Seconds that a source is given; none of its own limits is longer by default. */
const patience = 30;

/** Connects to each source that the options name, as a node does when it starts, and disconnects. */
export async function lookAtChains(
  options: Pick<NodeOptions, "network" | "chain" | "furtherChains" | "tor">,
): Promise<readonly ChainLook[]> {
  const { chain, furtherChains = [] } = options;
  return Promise.all([chain, ...furtherChains].map((one) => look(one, options)));
}

async function look(chain: ChainOption, options: Pick<NodeOptions, "network" | "tor">): Promise<ChainLook> {
  let source: Awaited<ReturnType<typeof chainSourceOf>> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    source = await chainSourceOf(chain, options);
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(silent(source?.name)), patience * 1_000);
    });
    const { height } = await Promise.race([source.start(), silence]);
    const oldestBlock = await Promise.race([source.oldestBlock?.(), silence]);
    return { source: source.name, height, ...(oldestBlock !== undefined && { oldestBlock }) };
  } catch (error) {
    const known = translated(error);
    if (!(known instanceof NodeError)) throw error;
    return { source: source?.name ?? "the chain source", error: known };
  } finally {
    clearTimeout(timer);
    await source?.stop();
  }
}

function silent(source = "the chain source"): NodeError {
  return new NodeError("chain-unavailable", `${source} has said nothing for ${patience} s`, {
    remedy: "see that it runs, and that nothing between it and this machine swallows what is sent",
  });
}
