/**
 * A network for flows: arcs with a capacity and a cost for each unit, and what flows through them. Each arc has a twin
 * that leads back, by which flow can be undone: `arc ^ 1`.
 */
export class ResidualNetwork {
  readonly nodeCount: number;
  /** By arc: where it leads. */
  targets: Uint32Array = new Uint32Array(1024);
  /** By arc: how many units more it can take. */
  room: Float64Array = new Float64Array(1024);
  /** By arc: the cost of a unit. */
  costs: Float64Array = new Float64Array(1024);
  /** By node: where its arcs begin in `arcsFrom`; those of the next node follow. */
  starts: Uint32Array = new Uint32Array(0);
  arcsFrom: Uint32Array = new Uint32Array(0);
  #arcs = 0;

  /** Nodes are numbered from 0. */
  constructor(nodeCount: number) {
    this.nodeCount = nodeCount;
  }

  /** A new arc; `capacity` in units, `cost` at least 0. Gives its number. */
  addArc(source: number, target: number, capacity: number, cost: number): number {
    const arc = this.#arcs;
    this.#arcs += 2;
    if (this.#arcs > this.targets.length) {
      this.#grow();
    }
    this.targets[arc] = target;
    this.targets[arc + 1] = source;
    this.room[arc] = capacity;
    this.room[arc + 1] = 0;
    this.costs[arc] = cost;
    this.costs[arc + 1] = -cost;
    return arc;
  }

  /** Sorts the arcs by their nodes: to be called once, when all are there. */
  seal(): void {
    const starts = new Uint32Array(this.nodeCount + 1);
    for (let arc = 0; arc < this.#arcs; arc++) {
      const at = this.sourceOf(arc) + 1;
      starts[at] = (starts[at] as number) + 1;
    }
    for (let node = 0; node < this.nodeCount; node++) {
      starts[node + 1] = (starts[node + 1] as number) + (starts[node] as number);
    }
    const next = starts.slice();
    const arcsFrom = new Uint32Array(this.#arcs);
    for (let arc = 0; arc < this.#arcs; arc++) {
      const source = this.sourceOf(arc);
      const at = next[source] as number;
      arcsFrom[at] = arc;
      next[source] = at + 1;
    }
    this.starts = starts;
    this.arcsFrom = arcsFrom;
  }

  sourceOf(arc: number): number {
    return this.targets[arc ^ 1] as number;
  }

  /** Units that flow through an arc that was added. */
  flowOf(arc: number): number {
    return this.room[arc ^ 1] as number;
  }

  /** Lets so many units more flow through an arc, or through its twin. */
  push(arc: number, units: number): void {
    this.room[arc] = (this.room[arc] as number) - units;
    this.room[arc ^ 1] = (this.room[arc ^ 1] as number) + units;
  }

  #grow(): void {
    const length = 2 * this.targets.length;
    const targets = new Uint32Array(length);
    const room = new Float64Array(length);
    const costs = new Float64Array(length);
    targets.set(this.targets);
    room.set(this.room);
    costs.set(this.costs);
    this.targets = targets;
    this.room = room;
    this.costs = costs;
  }
}
