import { generateSeedWords, msat, Node, sat } from "@fulmen/node";
import { PracticeChain } from "@fulmen/testkit/chainSource";

const chain = new PracticeChain({ millisecondsPerBlock: 50 });
const options = { network: "regtest", storage: "memory", listen: { port: 0 } } as const;
const start = () => Node.create({ ...options, seed: generateSeedWords(), chain: chain.source() });
const [alice, bob] = [await start(), await start()];
for (const node of [alice, bob]) await chain.pay(await node.onchain.address(), sat(2_000_000));
await alice.openChannel({ peer: bob.uri, amount: sat(1_000_000), untilUsable: true });
const { invoice } = await bob.receive({ amount: msat(25_000_000), description: "tea" });
const { amount } = await alice.pay(invoice);
console.log(`alice paid ${amount} msat, and bob has ${bob.balances().lightning.total}`);
await Promise.all([alice.stop(), bob.stop(), chain.stop()]);
