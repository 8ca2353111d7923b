import { Argument, Command, Option } from "commander";
import * as channels from "./commands/channels.ts";
import * as money from "./commands/money.ts";
import { backup, events, ledger } from "./commands/records.ts";
import { logs, stop } from "./commands/running.ts";
import { completionScript } from "./completion.ts";
import { doctor } from "./doctor/doctor.ts";
import { say } from "./output/terminal.ts";
import { ownVersion } from "./version.ts";

/* What loads a node or its server is loaded when it is needed: the other commands answer at once. */

/** The command line: commands, their arguments and options. */
export function makeProgram(): Command {
  const program = new Command("fulmen")
    .description("Run a Lightning node and talk to it")
    .version(ownVersion())
    .showSuggestionAfterError(true)
    // Of `peers connect --json`, the option is the inner command's.
    .enablePositionalOptions()
    .option(...dataDir)
    .hook("preAction", (_program, command) => inheritOptions(command))
    .exitOverride();
  addRunning(program);
  addMoney(program);
  addChannels(program);
  addRecords(program);
  addStore(program);
  addTokens(program);
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "which one").choices(["bash", "zsh", "fish"]))
    .description("A script that completes commands in a shell")
    .addHelpText("after", "\nIn ~/.bashrc: source <(fulmen completion bash)")
    .action((shell: string) => say(completionScript(program, shell)));
  return program;
}

const networks = ["mainnet", "testnet4", "signet", "regtest"];

const dataDir = [
  "--data-dir <folder>",
  "the node's folder; default $FULMEN_DATA_DIR, or .fulmen in your home",
] as const;

/** What was said before an inner command counts for it, unless it says otherwise. */
function inheritOptions(command: Command): void {
  for (let outer = command.parent; outer !== null; outer = outer.parent)
    for (const [name, value] of Object.entries(outer.opts()))
      if (command.getOptionValueSource(name) !== "cli") command.setOptionValueWithSource(name, value, "cli");
}

/** A command that asks a daemon. */
function asking(program: Command, usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option(...dataDir)
    .option("--url <url>", "a daemon elsewhere; default $FULMEN_URL, or the one of the folder")
    .option("--token <token>", "its token; default $FULMEN_TOKEN, or the folder's own")
    .option("--json", "print what the API answers");
}

function addRunning(program: Command): void {
  program
    .command("init")
    .description("Make a new node: folder, config, seed and first token")
    .option(...dataDir)
    .addOption(new Option("--network <network>", "the Bitcoin network").choices(networks))
    .addOption(
      new Option("--chain <source>", "where the chain is heard of")
        .choices(["bitcoind", "esplora", "electrum"])
        .default("bitcoind"),
    )
    .option("--chain-url <url>", "where it is")
    .option("--alias <name>", "the node's name")
    .option("--port <port>", "where peers connect")
    .option("--api-port <port>", "where the commands, and other programs, ask it")
    .addOption(new Option("--words <count>", "words of the seed").choices(["12", "24"]).default("12"))
    .option("--restore", "read the words of a seed from the standard input")
    .option("--backup <file>", "with --restore: a backup of the channels")
    .option("--peers <addresses>", "with --restore: peers that keep one, with commas between them")
    .option("--birthday <height>", "with --restore: from where the chain is searched for coins")
    .option("--encrypt", "encrypt the seed file by a passphrase")
    .action(async (options) => (await import("./commands/init.ts")).init(options));
  program
    .command("start")
    .description("Run the node, in the foreground")
    .option(...dataDir)
    .option("--restore-from <file>", "a backup of the channels, when the store is lost")
    .option("--restore-from-peers <addresses>", "peers that keep one, with commas between them")
    .action(async (options) => (await import("./commands/start.ts")).start(options));
  program
    .command("stop")
    .description("Stop the node, and wait until it has stopped")
    .option(...dataDir)
    .action(stop);
  program
    .command("logs")
    .description("The last lines of the log")
    .option(...dataDir)
    .option("-n, --lines <count>", "how many", "50")
    .option("-f, --follow", "and new ones as they come")
    .action(logs);
  asking(program, "info", "Who the node is and how it is").alias("status").action(money.info);
  asking(program, "doctor", "What is wrong, and what to do about it").action(doctor);
}

function addMoney(program: Command): void {
  asking(program, "balance", "All that the node has").action(money.balance);
  asking(program, "pay <to>", "Pay an invoice, an address or a URI")
    .option("--amount <amount>", "where it names none: 2500, 5msat, 0.001btc")
    .option("--max-fee <amount>", "never more than this in fees")
    .option("--key <key>", "idempotency key: the same one never pays twice")
    .action(money.pay);
  asking(
    program,
    "send-raw <peer> <amount> <hash>",
    "For protocol tests: offer one HTLC to a peer; not on mainnet",
  )
    .option("--secret <hex>", "the invoice's payment secret")
    .option("--expiry-delta <blocks>", "from the tip to the HTLC's expiry", "22")
    .action(money.sendRaw);
  asking(program, "receive [amount]", "Make an invoice, with a QR code")
    .option("--description <text>", "what it is for")
    .option("--expiry <seconds>", "how long it can be paid")
    .option("--onchain", "an address instead")
    .option("--qr", "a QR code, even where the output is no terminal")
    .option("--preimage <hex>", "for protocol tests: what the payer gets; not on mainnet")
    .option("--no-qr", "no QR code")
    .action(money.receive);
  asking(program, "payments [id]", "Payments, the newest first; or one with all that is known")
    .option("--limit <count>", "how many", "20")
    .option("--after <sequence>", "where to go on")
    .addOption(new Option("--direction <way>", "only these").choices(["sent", "received"]))
    .addOption(
      new Option("--status <status>", "only these").choices([
        ...["pending", "held", "succeeded", "failed", "expired"],
      ]),
    )
    .action(money.payments);
  asking(program, "decode <text>", "What an invoice or a URI asks for").action(money.decode);
  asking(program, "route <to>", "Which way a payment would take, and why")
    .option("--amount <amount>", "where it names none")
    .action(money.route);
}

function addChannels(program: Command): void {
  asking(program, "channels", "All channels").action(channels.channels);
  asking(program, "open <peer> <amount>", "Open a channel with nodeid@host:port")
    .option("--push <amount>", "a present to the peer")
    .option("--public", "tell the network of it")
    .action(channels.open);
  asking(program, "close <channel>", "Close a channel; the beginning of its id is enough")
    .option("--force", "without the peer: slow and dear")
    .option("--address <address>", "where our share goes")
    .action(channels.close);
  const peers = asking(program, "peers", "All peers").action(channels.peers);
  asking(peers, "connect <address>", "Connect to nodeid@host:port").action(channels.connectPeer);
  asking(peers, "disconnect <nodeid>", "Hang up, and do not connect again").action(channels.disconnectPeer);
}

function addRecords(program: Command): void {
  asking(program, "ledger", "What happened to your money, in double entry")
    .option("--csv", "all of it, for a spreadsheet")
    .option("--after <index>", "entries behind this one")
    .action(ledger);
  asking(program, "events", "What happens, one JSON object a line")
    .option("--after <index>", "events behind this one; default: from now on")
    .action(events);
  asking(program, "backup [file]", "Write a backup of the channels")
    .option("--check", "look instead whether this node could be restored from the file; no daemon is asked")
    .action(async (file, options) => {
      if (options.check !== true) return backup(file, options);
      await (await import("./commands/checkBackup.ts")).checkBackup(file, options);
    });
}

function addStore(program: Command): void {
  const store = program
    .command("store")
    .description("Where the node keeps its records")
    .option(...dataDir);
  store
    .command("move")
    .description("Bring them to another store; the node must not run")
    .option(...dataDir)
    .addOption(
      new Option("--to <kind>", "which kind of store")
        .choices(["sqlite", "files", "postgres"])
        .makeOptionMandatory(),
    )
    .option("--path <path>", "the file of sqlite, or the folder of files; default in the data folder")
    .option("--url <url>", "of PostgreSQL: postgres://user:password@host/database")
    .option("--node <name>", "which of the nodes in that database this is")
    .option("--encrypt", "encrypt the values by a key of the seed")
    .action(async (options) => (await import("./commands/store.ts")).moveStore(options));
}

/** Several may be in one word, with commas: what each is, the command looks at. */
function tokenScopes(): Option {
  const option = new Option("--scope <scopes...>", "read, receive, pay, admin").makeOptionMandatory();
  option.argChoices = ["read", "receive", "pay", "admin"];
  return option;
}

function addTokens(program: Command): void {
  const token = program
    .command("token")
    .description("Tokens of the HTTP API")
    .option(...dataDir);
  token
    .command("create")
    .description("Make a token; it is shown this once")
    .option(...dataDir)
    .requiredOption("--name <name>", "for your lists")
    .addOption(tokenScopes())
    .option("--expires <time>", "12h, 30d, 8w, 1y; default never")
    .action(async (options) => (await import("./commands/tokens.ts")).createToken(options));
  token
    .command("list")
    .description("All tokens")
    .option(...dataDir)
    .option("--json", "as JSON")
    .action(async (options) => (await import("./commands/tokens.ts")).listTokens(options));
  token
    .command("revoke <id>")
    .description("Take a token's rights away, by its id or name")
    .option(...dataDir)
    .action(async (id, options) => (await import("./commands/tokens.ts")).revokeToken(id, options));
}
