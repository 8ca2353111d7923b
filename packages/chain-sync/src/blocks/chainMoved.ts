/** Two answers do not fit together: the chain moved between them, or somebody lies. Never leaves the sync. */
export class ChainMoved extends Error {
  override readonly name = "ChainMoved";
}
