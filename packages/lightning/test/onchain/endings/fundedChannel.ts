import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, type Faucet, TestWallet } from "@fulmen/testkit/wallet";
import type { FormatName } from "#src/commitment/params";
import { feeratePerKw, sat } from "#src/util/units";
import { type MonitoredParty, monitoredPair } from "../monitoredPair.ts";
import type { PartyName } from "./channelStates.ts";

/** Of the channel, in satoshis. */
export const capacity = 10_000_000n;
/** That both sides ask of each other. */
export const toSelfDelay = 12;

const coinsForBumps = 14;
const bumpCoin = 8_000_000n;
/** What each side has for bumping fees. */
export const bumpMoney = BigInt(coinsForBumps) * bumpCoin;
/** Of the sides' wallets. */
export const walletSeeds: Readonly<Record<PartyName, number>> = { us: 101, them: 102 };

export interface FundedChannel {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly us: MonitoredParty;
  readonly them: MonitoredParty;
}

/** A channel whose funding is confirmed on a new chain, next to what both sides have for fees. */
export function fundedChannel(format: FormatName, opener: PartyName): FundedChannel {
  const { chain, faucet } = createFundedChain({ coins: 2 });
  const [first, second] = monitoredPair(format, {
    capacity: sat(capacity),
    toSelfDelay,
    funding: (script) => {
      const transaction = fund(chain, faucet, script);
      chain.mine(1, { transactions: [transaction] });
      return { txid: txid(transaction), index: 0 };
    },
  });
  return opener === "us"
    ? { chain, faucet, us: first, them: second }
    : { chain, faucet, us: second, them: first };
}

function fund(chain: SimulatedChain, faucet: Faucet, script: Uint8Array): Transaction {
  const coins = Object.values(walletSeeds).flatMap((seed) => {
    const wallet = new TestWallet(chain, seed);
    return Array.from({ length: coinsForBumps }, () => ({ value: sat(bumpCoin), script: wallet.script }));
  });
  return faucet.fund(chain, [{ value: sat(capacity), script }, ...coins], feeratePerKw(1000));
}
