/** Whether what is left still fails in the same way. */
export type StillFails<T> = (items: readonly T[]) => boolean;

/**
 * A short subsequence of `items` that still fails: none of its items can be left out alone (delta debugging, "ddmin" of
 * Zeller and Hildebrandt), unless `isOver` ends the search before.
 */
export function shrinkList<T>(
  items: readonly T[],
  fails: StillFails<T>,
  isOver: () => boolean = () => false,
): readonly T[] {
  let left = items;
  let size = Math.ceil(left.length / 2);
  while (size >= 1 && left.length > 0 && !isOver()) {
    const shorter = withoutSome(left, size, { fails, isOver });
    if (shorter.length === left.length) {
      if (size === 1) return left;
      size = Math.ceil(size / 2);
    } else {
      left = shorter;
      size = Math.min(size, Math.ceil(left.length / 2));
    }
  }
  return left;
}

/** Leaves out each stretch of `size` items without which it still fails, from the end on: later ones matter less. */
function withoutSome<T>(
  items: readonly T[],
  size: number,
  { fails, isOver }: { readonly fails: StillFails<T>; readonly isOver: () => boolean },
): readonly T[] {
  let left = items;
  for (let end = left.length; end > 0 && !isOver(); end -= size) {
    const shorter = [...left.slice(0, Math.max(0, end - size)), ...left.slice(end)];
    if (fails(shorter)) left = shorter;
  }
  return left;
}
