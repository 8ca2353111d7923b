import { installNodeCrypto } from "@fulmen/crypto-node";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { HttpService } from "@fulmen/testkit/sockets";
import { GeneratedChain } from "./generatedChain.ts";

/* Serves as many generated blocks, of as many bytes, as its arguments say; prints where, as one line of JSON. */

installNodeCrypto();
const [count, size] = process.argv.slice(2).map(Number);
const chain = new GeneratedChain(count ?? 0, size ?? 0);
const server = new BitcoindServer(chain, { hasRest: true });
const service = await HttpService.listen((request, signal) => server.answer(request, signal));
console.log(JSON.stringify({ port: service.port, transactions: chain.transactionsPerBlock }));
