import { encodeHeader } from "@fulmen/bitcoin/block";
import { toHex } from "@fulmen/bitcoin/primitives";
import type { ChainBlock, TestChain } from "../chain/index.ts";
import { nonNegativeInteger } from "./arguments.ts";
import { grouped, headerProof } from "./headerProof.ts";
import type { Json } from "./json.ts";
import type { Method } from "./method.ts";
import { badRequest } from "./requestError.ts";

/** Headers in one answer. */
const maxHeaders = 2_016;

/** The tip as `blockchain.headers.subscribe` gives it, in the answer and in notifications. */
export function tipOf({ tip }: TestChain): Json {
  return { hex: headerHex(tip), height: tip.height };
}

/** The block at a height; throws `RequestError` where there is none. */
export function blockAt(chain: TestChain, height: number): ChainBlock {
  const block = chain.blockAt(height);
  if (block === undefined) throw badRequest(`height ${grouped(height)} out of range`);
  return block;
}

function headerHex({ block }: ChainBlock): string {
  return toHex(encodeHeader(block.header));
}

/** `blockchain.block...` and `blockchain.headers...`. */
export const headerMethods: Readonly<Record<string, Method>> = {
  "blockchain.headers.subscribe": {
    parameters: [],
    required: 0,
    call: ({ chain, caller }) => {
      caller.subscribeToHeaders();
      return tipOf(chain);
    },
  },

  "blockchain.block.header": {
    parameters: ["height", "cp_height"],
    required: 1,
    call: ({ chain }, args) => {
      const height = nonNegativeInteger(args[0]);
      const checkpoint = nonNegativeInteger(args[1] ?? 0);
      const header = headerHex(blockAt(chain, height));
      return checkpoint === 0 ? header : { header, ...headerProof(chain, height, checkpoint) };
    },
  },

  "blockchain.block.headers": {
    parameters: ["start_height", "count", "cp_height"],
    required: 2,
    call: ({ chain, caller }, args) => {
      const start = nonNegativeInteger(args[0]);
      const wanted = Math.min(nonNegativeInteger(args[1]), maxHeaders);
      const checkpoint = nonNegativeInteger(args[2] ?? 0);
      const count = Math.max(0, Math.min(wanted, chain.tip.height + 1 - start));
      const headers = Array.from({ length: count }, (_, i) => headerHex(blockAt(chain, start + i)));
      const form = caller.speaksNewest ? { headers } : { hex: headers.join("") };
      const answer = { ...form, count, max: maxHeaders };
      if (count === 0 || checkpoint === 0) return answer;
      return { ...answer, ...headerProof(chain, start + count - 1, checkpoint) };
    },
  },
};
