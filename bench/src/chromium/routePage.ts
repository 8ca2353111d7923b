import { answerQueries, type RouteQueries } from "./routeQueries.ts";

// The program of a page. It asks its server for a graph and for queries, and tells it what it found.
const [graph, queries] = await Promise.all([fetch("/graph"), fetch("/queries")]);
const bytes = new Uint8Array(await graph.arrayBuffer());
const answers = answerQueries(bytes, (await queries.json()) as RouteQueries);
await fetch("/result", { method: "POST", body: JSON.stringify(answers) });
