import { describe, it } from "node:test";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { chainSourceConformance } from "@fulmen/testkit/conformance";
import { createFundedChain } from "@fulmen/testkit/wallet";

describe("SimulatedChainSource", () => {
  chainSourceConformance(
    { describe, it },
    async () => {
      const { chain, faucet } = createFundedChain();
      const sources: SimulatedChainSource[] = [];
      const setDown = (isDown: boolean) => async (): Promise<void> => {
        for (const source of sources) source.isDown = isDown;
      };
      return {
        chain,
        faucet,
        createSource(network) {
          const source = new SimulatedChainSource(chain, network && { network });
          sources.push(source);
          return source;
        },
        interrupt: setDown(true),
        resume: setDown(false),
        close: async () => {},
      };
    },
    { canInterrupt: true, takesPackages: true },
  );
});
