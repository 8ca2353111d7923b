import { networks } from "@fulmen/bitcoin/network";
import { defaultPolicy } from "../chain/index.ts";
import { nonNegativeInteger } from "./arguments.ts";
import { feeHistogram } from "./feeHistogram.ts";
import type { Method } from "./method.ts";
import { oldestProtocol } from "./protocolVersion.ts";
import { bitcoins } from "./verboseTransaction.ts";

const defaultName = "Fulmen 0.1.0";

/** A method without parameters. */
function plain(call: Method["call"]): Method {
  return { parameters: [], required: 0, call };
}

/** `server...`, and what the node behind a server knows of fees. */
export const serverMethods: Readonly<Record<string, Method>> = {
  "server.version": {
    parameters: ["client_name", "protocol_version"],
    required: 0,
    takesMore: true,
    call: ({ options, caller }, [, offered]) => [options.name ?? defaultName, caller.negotiate(offered)],
  },

  "server.features": plain(({ options }) => ({
    hosts: {},
    pruning: null,
    server_version: options.name ?? defaultName,
    protocol_min: oldestProtocol,
    protocol_max: options.newestProtocol ?? "1.4.2",
    genesis_hash: networks.regtest.genesisHash,
    hash_function: "sha256",
    services: [],
  })),

  "server.banner": plain(
    ({ options }) => options.banner ?? `You are connected to a ${options.name ?? defaultName} server.`,
  ),

  "server.donation_address": plain(({ options }) => options.donationAddress ?? ""),

  "server.ping": plain(() => null),

  "server.peers.subscribe": plain(() => []),

  /** There are no other servers of this chain. */
  "server.add_peer": { parameters: ["features"], required: 1, call: () => false },

  "blockchain.estimatefee": {
    parameters: ["number", "mode"],
    required: 1,
    call: ({ options }, args) => {
      const feerate = options.feerate?.(nonNegativeInteger(args[0]));
      return feerate === undefined ? -1 : bitcoins(feerate);
    },
  },

  "blockchain.relayfee": {
    ...plain(({ options }) => bitcoins(options.relayFeerate ?? defaultPolicy.minRelayFeerate)),
    until: "1.4.2",
  },

  "mempool.get_info": {
    ...plain(({ options }) => {
      const feerate = bitcoins(options.relayFeerate ?? defaultPolicy.minRelayFeerate);
      return { mempoolminfee: feerate, minrelaytxfee: feerate, incrementalrelayfee: feerate };
    }),
    since: "1.6",
  },

  "mempool.get_fee_histogram": plain(({ chain }) => feeHistogram(chain)),
};
