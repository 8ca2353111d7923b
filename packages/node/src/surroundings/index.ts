export { surroundings } from "./surroundings.ts";
