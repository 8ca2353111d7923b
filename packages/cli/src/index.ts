export { exitCodes } from "./cliError.ts";
export { type Setting, settings } from "./config/settings.ts";
export { makeProgram } from "./program.ts";
