import { outPointKey } from "@fulmen/bitcoin/primitives";
import type {
  CoinSelection,
  CoinSelectionRefusal,
  CoinSelectionRequest,
  Utxo,
} from "@fulmen/lightning/chain";
import { err, type OutPoint, ok, type Result } from "@fulmen/lightning/util";
import { type Coin, claimLock, isMature, type Ledger, type Lock } from "../ledger/index.ts";
import { Dice, type Selection, type SelectionRefusal, selectCoins } from "../selection/index.ts";
import { replaceableSequence } from "./draft.ts";
import { changeTo, reservedValue, spendableCoins, type Workbench } from "./workbench.ts";

/** Coins and change for a transaction of the node's, locked for its claim. */
export function selectForClaim(
  bench: Workbench,
  request: CoinSelectionRequest,
): Result<CoinSelection, CoinSelectionRefusal> {
  const { ledger, changeAccount } = bench;
  const id = claimLock(request.claimId);
  const lock = ledger.lock(id);
  const change = lock?.change ?? ledger.keyring.peek(changeAccount, "change");
  const script = ledger.keyring.script(change);
  const chosen = choose(bench, request, { held: heldCoins(ledger, lock), script });
  if (!chosen.ok) {
    const { error } = chosen;
    return err(error.kind === "too-heavy" ? error : { ...error, reserved: reservedValue(bench, id) });
  }
  const { coins, change: value } = chosen.value;
  const usesNewChange = value !== undefined && lock?.change === undefined;
  if (usesNewChange) ledger.handOut(changeAccount, "change");
  const kept = lock?.change ?? (usesNewChange ? change : undefined);
  ledger.putLock({
    id,
    // An earlier transaction of the claim may still confirm: what it spends stays locked, selected again or not.
    outPoints: united(lock?.outPoints ?? [], coins),
    ...(kept === undefined ? {} : { change: kept }),
    // Whoever asked may sign without asking again.
    isSigned: true,
    isReplaceable: false,
  });
  const confirmedUtxos = coins.map(utxoOf);
  return ok(value === undefined ? { confirmedUtxos } : { confirmedUtxos, changeOutput: { value, script } });
}

interface ClaimMeans {
  /** What the claim holds already. */
  readonly held: readonly Coin[];
  readonly script: Uint8Array;
}

/** All held coins with others as needed; where that is not possible, any of the held and others. */
function choose(
  bench: Workbench,
  request: CoinSelectionRequest,
  { held, script }: ClaimMeans,
): Result<Selection<Coin>, SelectionRefusal> {
  const { mustSpend, mustPayTo, targetFeerate, maxTransactionWeight, parent, minimumFee } = request;
  const free = spendableCoins(bench, "confirmed");
  const dice = new Dice(bench.entropySource.randomBytes(32));
  const given = mustSpend.map(({ previousUtxo, satisfactionWeight }) => ({
    output: previousUtxo,
    satisfactionWeight,
  }));
  const attempt = (required: readonly Coin[], coins: readonly Coin[]) =>
    selectCoins(
      {
        required: [...given, ...required],
        coins,
        outputs: mustPayTo,
        feerate: targetFeerate,
        longTermFeerate: bench.longTermFeerate,
        change: changeTo(bench, script),
        maxWeight: maxTransactionWeight,
        ...(parent === undefined ? {} : { parent }),
        ...(minimumFee === undefined ? {} : { minimumFee }),
      },
      dice,
    );
  const first = attempt(held, free);
  if (first.ok) return ok({ ...first.value, coins: [...held, ...first.value.coins] });
  return held.length === 0 ? first : attempt([], [...held, ...free]);
}

/** Coins of a lock that are confirmed and that nothing confirmed spends: unconfirmed spenders are to be replaced. */
function heldCoins(ledger: Ledger, lock: Lock | undefined): readonly Coin[] {
  const found: Coin[] = [];
  for (const outPoint of lock?.outPoints ?? []) {
    const coin = ledger.output(outPoint);
    const spender = ledger.view.spenders.get(outPointKey(outPoint));
    if (coin?.position.kind !== "confirmed" || spender?.position.kind === "confirmed") continue;
    if (isMature(coin, ledger.height)) found.push(coin);
  }
  return found;
}

function united(before: readonly OutPoint[], coins: readonly Coin[]): readonly OutPoint[] {
  const byKey = new Map(before.map((outPoint) => [outPointKey(outPoint), outPoint]));
  for (const { outPoint } of coins) byKey.set(outPointKey(outPoint), outPoint);
  return [...byKey.values()];
}

function utxoOf({ outPoint, output, satisfactionWeight }: Coin): Utxo {
  return { outPoint, output, satisfactionWeight, sequence: replaceableSequence };
}
