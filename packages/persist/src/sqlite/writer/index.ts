export { serveCommits } from "./serveCommits.ts";
