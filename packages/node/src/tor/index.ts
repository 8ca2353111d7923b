export { dialOf, goesThrough, torTimeout } from "./dial.ts";
