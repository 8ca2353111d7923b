import type {
  CoinSelection,
  CoinSelectionRefusal,
  CoinSelectionRequest,
  Utxo,
} from "@fulmen/lightning/chain";
import { err, feeratePerKw, maxOf, ok, type Result, type Sat, zeroSat } from "@fulmen/lightning/util";
import { type Bid, type Coin, claimLock, holding, type Ledger, type Lock } from "../ledger/index.ts";
import {
  Dice,
  feeAtLeast,
  feeWithParent,
  type Outbid,
  outbiddingFee,
  type Selection,
  type SelectionRefusal,
  selectCoins,
  transactionWeight,
} from "../selection/index.ts";
import { bidOf, heldCoins, lendersBids, outbidding, standingBid, takings } from "./bids.ts";
import { replaceableSequence } from "./draft.ts";
import { changeTo, reservedValue, spendableCoins, type Workbench } from "./workbench.ts";

/**
 * Coins and change for a transaction of the node's, locked for its claim: free ones, or else such as another claim holds
 * that pays clearly less. That one waits until coins are free again; its transaction is replaced as a whole.
 */
export function selectForClaim(
  bench: Workbench,
  request: CoinSelectionRequest,
): Result<CoinSelection, CoinSelectionRefusal> {
  const { ledger, changeAccount } = bench;
  const id = claimLock(request.claimId);
  const known = ledger.lock(id) ?? { id, outPoints: [], isSigned: true, isReplaceable: false };
  const lock = isTooDear(ledger, known, request) ? ledger.giveBack(known) : known;
  const change = lock.change ?? ledger.keyring.peek(changeAccount, "change");
  const script = ledger.keyring.script(change);
  const chosen = choose(bench, request, { lock, held: heldCoins(ledger, lock), script });
  if (!chosen.ok) {
    const { error } = chosen;
    return err(error.kind === "too-heavy" ? error : { ...error, reserved: reservedValue(bench, id) });
  }
  const { coins, change: value } = chosen.value;
  const usesNewChange = value !== undefined && lock.change === undefined;
  if (usesNewChange) ledger.handOut(changeAccount, "change");
  const kept = lock.change ?? (usesNewChange ? change : undefined);
  const bid = bidOf(request, chosen.value);
  const before = standingBid(ledger, lock, request);
  // An earlier transaction of the claim may still confirm: what it spends stays locked, selected again or not.
  const held = holding(
    lock,
    coins.map(({ outPoint }) => outPoint),
  );
  ledger.takeFor({
    ...held,
    ...(held.outPoints.length > 0 && { bid: before !== undefined && before.fee > bid.fee ? before : bid }),
    ...(kept === undefined ? {} : { change: kept }),
    // Whoever asked may sign without asking again.
    isSigned: true,
  });
  const confirmedUtxos = coins.map(utxoOf);
  return ok(value === undefined ? { confirmedUtxos } : { confirmedUtxos, changeOutput: { value, script } });
}

/** What nodes relay at the least: 1 satoshi for each virtual byte. */
const relayFeerate = feeratePerKw(250);

interface ClaimMeans {
  readonly lock: Lock;
  /** What the claim holds already. */
  readonly held: readonly Coin[];
  readonly script: Uint8Array;
}

interface LeastFee {
  readonly outbids: Outbid | undefined;
  readonly minimumFee?: Sat | undefined;
}

/** All held coins with others as needed; where that is not possible, any of the held and others; at last, others' coins. */
function choose(
  bench: Workbench,
  request: CoinSelectionRequest,
  { lock, held, script }: ClaimMeans,
): Result<Selection<Coin>, SelectionRefusal> {
  const { ledger } = bench;
  const free = spendableCoins(bench, "confirmed");
  const dice = new Dice(bench.entropySource.randomBytes(32));
  const given = request.mustSpend.map(({ previousUtxo, satisfactionWeight }) => ({
    output: previousUtxo,
    satisfactionWeight,
  }));
  const attempt = (
    required: readonly Coin[],
    coins: readonly Coin[],
    { outbids, minimumFee = request.minimumFee }: LeastFee,
  ): Result<Selection<Coin>, SelectionRefusal> => {
    const { mustPayTo, targetFeerate, maxTransactionWeight, parent } = request;
    const selected = selectCoins(
      {
        required: [...given, ...required],
        coins,
        outputs: mustPayTo,
        feerate: targetFeerate,
        longTermFeerate: bench.longTermFeerate,
        change: changeTo(bench, script),
        maxWeight: maxTransactionWeight,
        ...(parent && { parent }),
        ...(minimumFee !== undefined && { minimumFee }),
        ...(outbids && { outbids }),
      },
      dice,
    );
    return selected.ok ? ok({ ...selected.value, coins: [...required, ...selected.value.coins] }) : selected;
  };
  const own = standingBid(ledger, lock, request);
  const lenders = lendersBids(ledger, held);
  const outbids = outbidding(lenders);
  // The same coins again pay no less than before, so that the same request leads to the same transaction.
  const isWhole = own !== undefined && lock.lent === undefined && held.length === lock.outPoints.length;
  const minimumFee = isWhole ? maxOf(own.fee, request.minimumFee ?? zeroSat) : request.minimumFee;
  const first = attempt(held, free, { outbids, minimumFee });
  const plain = first.ok || held.length === 0 ? first : attempt([], [...held, ...free], { outbids });
  if (plain.ok || mayParentBeAlone(request, lock, own)) return plain;
  // What was sent before is in mempools, or else what the lenders have sent.
  const before = own === undefined || lock.lent !== undefined ? lenders : [own];
  let refusal = plain.error;
  for (const others of takings(ledger, lock, request.targetFeerate)) {
    const outbid = outbidding([...before, ...others.map(({ bid }) => bid)]);
    const coins = [...free, ...others.flatMap((other) => other.coins)];
    const taken = attempt(held, coins, { outbids: outbid });
    if (!taken.ok) refusal = nearer(refusal, taken.error);
    else if (outbid === undefined || isWorth(request, taken.value, outbid)) return taken;
  }
  return err(refusal);
}

/**
 * Whether taken coins cost more than they are worth now: when others have taken inputs of the claim, its transaction is
 * gone, and the next one would have to outbid the lenders again for what is left.
 */
function isTooDear(ledger: Ledger, lock: Lock, request: CoinSelectionRequest): boolean {
  const held = heldCoins(ledger, lock);
  const outbids = outbidding(lendersBids(ledger, held));
  if (outbids === undefined || standingBid(ledger, lock, request) !== undefined) return false;
  const weight = transactionWeight([...request.mustSpend, ...held], request.mustPayTo);
  return !isWorth(request, { weight }, outbids);
}

/**
 * Whether nodes may have the parent without a child of ours. Those before Bitcoin Core 31 refuse a child then that replaces
 * another transaction: its coin would serve nobody.
 */
function mayParentBeAlone({ parent }: CoinSelectionRequest, lock: Lock, own: Bid | undefined): boolean {
  if (parent === undefined) return false;
  const isFirst = lock.outPoints.length === 0 && lock.lent === undefined;
  if (isFirst) return parent.fee >= feeAtLeast(relayFeerate, parent.weight);
  return own === undefined || lock.lent !== undefined;
}

/** Whether it costs no more to replace others than is wanted anyway, or at most half of what is at stake. */
function isWorth(
  request: CoinSelectionRequest,
  { weight }: { readonly weight: number },
  outbids: Outbid,
): boolean {
  const { targetFeerate, parent, atStake = zeroSat } = request;
  const needed = outbiddingFee(outbids, weight, parent);
  return needed <= feeWithParent(targetFeerate, weight, parent) || 2n * needed <= atStake;
}

/** The refusal of the attempt that had more to choose from. */
function nearer(one: SelectionRefusal, other: SelectionRefusal): SelectionRefusal {
  if (one.kind !== "insufficient-funds" || other.kind !== "insufficient-funds") return one;
  return other.available > one.available ? other : one;
}

function utxoOf({ outPoint, output, satisfactionWeight }: Coin): Utxo {
  return { outPoint, output, satisfactionWeight, sequence: replaceableSequence };
}
