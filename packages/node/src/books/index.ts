export { Bookkeeper } from "./bookkeeper.ts";
