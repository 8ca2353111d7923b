export { Network } from "./network.ts";
