export { ChainUtxoLookup, type ChainUtxoLookupOptions } from "./chainUtxoLookup.ts";
