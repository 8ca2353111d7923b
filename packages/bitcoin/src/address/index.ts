export { decodeAddress, encodeAddress } from "./address.ts";
