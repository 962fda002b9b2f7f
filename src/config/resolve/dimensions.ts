import type { BtfType, MapLayout, VariableLayout } from '../../btf/types.ts';
import type { DimensionPlan } from '../plan.ts';
import type { Located } from '../yaml/located.ts';
import type { ResolveContext } from './context.ts';

/** A part of memory or of a map's value, and what messages call it. */
export interface Element {
  /** Bytes from the start of the memory or the value. */
  readonly offset: number;
  readonly size: number;
  readonly type: BtfType | undefined;
  readonly name: string;
}

/** Gives the names in `index` to the indexes that lead to an element, outermost first. */
export class Dimensions {
  /** What is sized to the CPUs before load. */
  readonly perCpuFirst: string[] = [];
  readonly #names: readonly Located<string>[];
  readonly #context: ResolveContext;
  readonly #plans: DimensionPlan[] = [];

  constructor(names: readonly Located<string>[], context: ResolveContext) {
    this.#names = names;
    this.#context = context;
  }

  /** An ARRAY map's own index; `stride` in bytes. */
  takeOwn(map: MapLayout, stride: number): void {
    const name = this.#next();
    if (name === undefined) return;
    if (name.value === 'cpu') this.perCpuFirst.push(map.name);
    this.#add(name, map.maxEntries, stride);
  }

  /** The indexes of a global array, as many as there are names for. */
  takeVariable(variable: VariableLayout, start: Element): Element {
    const name = this.#next();
    if (name?.value !== 'cpu' || start.type?.kind !== 'array') return this.takeArrays(start);
    const { length, element } = start.type;
    // Growing one resizes its section's map, so it has to be alone in there.
    const { variables } = this.#context.layout;
    const isAlone = variables.filter(({ section }) => section === variable.section).length === 1;
    if (isAlone) this.perCpuFirst.push(variable.name);
    else if (length < this.#context.cpus) {
      this.#context.diagnostics.error(
        name.at,
        `"${variable.name}" has ${length} elements for ${this.#context.cpus} possible CPUs and can't grow, since it shares ${variable.section} with others: give it a section of its own`,
      );
    }
    this.#add(name, length, element.size);
    return this.takeArrays({ ...start, size: element.size, type: element });
  }

  /** The indexes of an array within the element, as many as there are names left for. */
  takeArrays(start: Element): Element {
    let element = start;
    for (let name = this.#next(); name !== undefined && element.type?.kind === 'array'; name = this.#next()) {
      const { length, element: type } = element.type;
      if (name.value === 'cpu' && length < this.#context.cpus) {
        this.#context.diagnostics.error(
          name.at,
          `${element.name} has ${length} elements for ${this.#context.cpus} possible CPUs`,
        );
      }
      this.#add(name, length, type.size);
      element = { ...element, size: type.size, type };
    }
    return element;
  }

  /** All dimensions; names that are left over are errors. */
  finish(element: Element): readonly DimensionPlan[] {
    const extra = this.#next();
    if (extra !== undefined) {
      this.#context.diagnostics.error(extra.at, `index "${extra.value}": ${element.name} has no array for it`);
    }
    return this.#plans;
  }

  #next(): Located<string> | undefined {
    return this.#names[this.#plans.length];
  }

  #add(name: Located<string>, length: number, stride: number): void {
    const cpu = name.value === 'cpu';
    this.#plans.push({ name: name.value, cpu, count: cpu ? this.#context.cpus : length, stride });
  }
}
