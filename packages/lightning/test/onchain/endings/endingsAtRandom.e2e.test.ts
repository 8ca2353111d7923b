// timeout: 600 s
import { installNodeCrypto } from "@fulmen/crypto-node";
import { endingsAtRandom } from "./endingsAtRandom.ts";

installNodeCrypto();
endingsAtRandom(120, 1);
