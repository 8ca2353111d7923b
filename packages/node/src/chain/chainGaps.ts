import { encodeAddress } from "@fulmen/bitcoin/address";
import type { Network } from "@fulmen/bitcoin/network";
import { toHex } from "@fulmen/bitcoin/primitives";
import type { ChainSource } from "@fulmen/chain-sync";
import type { NodeWarning } from "../api/nodeApi.ts";

const remedy =
  "use another chain source, or name one beside it: a Bitcoin Core, or an Electrum or Esplora server of your own that serves longer histories";

/** What the source does not tell of, as somebody has paid to a script more often than it can tell. */
export function chainGaps({ name, gaps = [] }: ChainSource, network: Network): readonly NodeWarning[] {
  return gaps.map(({ script, use }) => {
    const address = encodeAddress(script, network) ?? toHex(script);
    return use === "output"
      ? {
          code: "channel-not-watched",
          text: `${name} does not give all transactions of ${address}, an output of a channel: the node may not see that it is spent`,
          remedy,
        }
      : {
          code: "address-not-followed",
          text: `${name} does not give all transactions of ${address}, an address of the wallet: what is paid there may not show`,
          remedy,
        };
  });
}
