// timeout: 7200 s
import { installNodeCrypto } from "@fulmen/crypto-node";
import { endingsAtRandom } from "./endingsAtRandom.ts";

installNodeCrypto();
/** `FULMEN_ENDINGS=count,seed`: how many, and which. */
const [count = 5000, seed = 2] = (process.env["FULMEN_ENDINGS"] ?? "").split(",").filter(Boolean).map(Number);
endingsAtRandom(count, seed);
