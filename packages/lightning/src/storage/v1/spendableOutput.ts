import type { TxOut } from "@fulmen/bitcoin/transaction";
import type { Codec } from "../../codec/codec.ts";
import { bytes32, point, rest, sat64, u32, varScript } from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import type { SpendableOutputDescriptor } from "../../handlers/spendableOutput.ts";
import type { Script } from "../../util/bytes.ts";
import { needed, possible, union } from "./layouts.ts";
import { outPoint } from "./values.ts";

const output: Codec<TxOut> = struct<{ value: typeof sat64; script: Codec<Script> }>("txout", {
  value: sat64,
  script: varScript,
}) as Codec<TxOut>;

const common = {
  outPoint: needed(0, outPoint),
  output: needed(2, output),
  channelKeysId: needed(4, bytes32),
};

/** An output that is ours alone, with all that is needed to spend it besides the keys. */
export const spendableOutput: Codec<SpendableOutputDescriptor> = union<SpendableOutputDescriptor>(
  "spendable_output",
  {
    "static-output": [0, common],
    "delayed-payment-output": [
      1,
      {
        ...common,
        perCommitmentPoint: needed(6, point),
        toSelfDelay: needed(8, u32),
        witnessScript: needed(10, rest),
      },
    ],
    "static-payment-output": [2, { ...common, sequence: needed(6, u32), witnessScript: possible(8, rest) }],
  },
);
