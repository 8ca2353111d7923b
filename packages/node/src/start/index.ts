export { StartedParts } from "./stack.ts";
export { startParts } from "./startParts.ts";
