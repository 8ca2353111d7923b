import { installNodeCrypto } from "@fulmen/crypto-node";
import { msat, sat } from "@fulmen/lightning/util";
import { TestNetwork } from "@fulmen/testkit/network";

installNodeCrypto();
const network = new TestNetwork();
const [alice, bob, carol] = [network.addNode(), network.addNode(), network.addNode()];
network.connect(alice, bob);
network.connect(bob, carol);
network.openChannel(alice, bob, { funding: sat(500_000), format: "static-remotekey" });
network.openChannel(bob, carol, { funding: sat(400_000), format: "anchors-zero-fee-htlc" });

const { invoice } = carol.manager.createBolt11Invoice({ amount: msat(25_000_000), description: "a book" });
alice.manager.payForBolt11Invoice(invoice);
network.settle();

for (const event of alice.eventList) {
  if (event.kind === "payment-sent")
    console.log(`alice paid ${event.amount} msat and ${event.feePaid} in fees`);
}
for (const { localBalance } of carol.manager.listChannels()) console.log(`carol has ${localBalance} msat`);
