export { Onchain } from "./onchain.ts";
