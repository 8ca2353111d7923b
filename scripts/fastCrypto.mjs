// Loaded before the unit tests: they run on the fast provider, which gives the same bits as noble (a parity test in
// crypto-node holds it to that). The built tests of the core run on noble, on the machine's own Node.
import { installNodeCrypto } from "@fulmen/crypto-node";

installNodeCrypto();
