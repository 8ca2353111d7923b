export { type DrivenChannel, drive } from "./drive.ts";
