import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { needsNoObject, parseProgramFile } from '../config/program/file.ts';
import { ConfigError, Diagnostics } from '../config/yaml/diagnostic.ts';
import { suggest } from '../config/yaml/nearest.ts';
import { MeterError } from '../errors.ts';
import { readUserFile } from '../user-file.ts';

/** A pair NAME.yaml + NAME.bpf.o, or a NAME.yaml whose maps are all without C. */
export interface ProgramFiles {
  readonly name: string;
  /** Path of the YAML. */
  readonly file: string;
  /** Path of the object; undefined where it needs none. */
  readonly object: string | undefined;
}

export interface FoundPrograms {
  /** By name. */
  readonly programs: readonly ProgramFiles[];
  /** A file without its other half, a name that is there twice, a folder that can't be read, no program at all: each MeterError('config'). */
  readonly errors: readonly MeterError[];
  /** Of these, those of one program each that isn't whole, by its name. */
  readonly broken: ReadonlyMap<string, MeterError>;
}

/** Two levels up from here are the clone's folder and the package's, whether this is src or dist. */
const root = join(import.meta.dirname, '..', '..');
const shipped = { files: join(root, 'config', 'programs'), objects: join(root, 'build', 'programs') };

const fileSuffix = '.yaml';
const objectSuffix = '.bpf.o';
const pairs = 'A folder of pairs NAME.yaml + NAME.bpf.o is needed';

interface ProgramPlaces {
  readonly directories?: readonly string[] | undefined;
  /** False: without the shipped programs. */
  readonly shipped?: boolean;
}

interface AllPrograms extends FoundPrograms {
  /** Those of the folders that are called as shipped ones, which are left out for them. */
  readonly replacing: readonly ProgramFiles[];
}

/**
 * The pairs of the folders and the shipped ones, and of the folders within them those that are among the `wanted` names, as
 * SUB/NAME. Never throws: what is wrong is in `errors`.
 */
export function findPrograms(
  { directories = [], shipped: withShipped = true }: ProgramPlaces,
  wanted: readonly string[] = [],
): AllPrograms {
  const places = directories.map((directory) => ({ files: directory, objects: directory }));
  const own = findIn(places, wanted);
  const ours = withShipped ? findIn([shipped], wanted) : undefined;
  const isTaken = (name: string) => own.broken.has(name) || own.programs.some((pair) => pair.name === name);
  const names = new Set(ours?.programs.map(({ name }) => name));
  const isNothing = directories.length > 0 || ours === undefined;
  if (own.programs.length === 0 && own.errors.length === 0 && isNothing) {
    const message =
      directories.length > 0 ? `${directories.join(', ')}: no program is there` : 'no folder has programs';
    own.errors.push(new MeterError('config', message, { remedy: pairs }));
  }
  const rest = ours?.programs.filter(({ name }) => !isTaken(name)) ?? [];
  return {
    programs: [...own.programs, ...rest].sort(byName),
    errors: [...own.errors, ...(ours?.errors ?? [])],
    broken: new Map([...(ours?.broken ?? []), ...own.broken]),
    replacing: own.programs.filter(({ name }) => names.has(name)),
  };
}

function findIn(places: readonly (typeof shipped)[], wanted: readonly string[]) {
  const programs = new Map<string, ProgramFiles>();
  const broken = new Map<string, MeterError>();
  const errors: MeterError[] = [];
  for (const { files, objects } of places) {
    const found = withNested(findPairs(files, objects), files, objects, wanted);
    errors.push(...found.errors);
    for (const [name, error] of found.broken) broken.set(name, error);
    for (const pair of found.programs) {
      const other = programs.get(pair.name);
      if (other) {
        const message = `${pair.file}: a program "${pair.name}" is in ${other.file} already`;
        errors.push(new MeterError('config', message, { remedy: 'Rename one of them, or leave out its folder' }));
      } else {
        programs.set(pair.name, pair);
      }
    }
  }
  return { programs: [...programs.values()], errors, broken };
}

/** The pairs of one folder of YAML files and one of objects, which may be the same. */
export function findPairs(files: string, objects: string): FoundPrograms {
  const errors: MeterError[] = [];
  const described = names(files, fileSuffix, errors);
  const compiled = objects === files && errors.length > 0 ? new Set<string>() : names(objects, objectSuffix, errors);
  // One that is missing as a whole would repeat itself for each file of the other.
  if (errors.length > 0) return { programs: [], errors, broken: new Map() };

  const programs: ProgramFiles[] = [];
  const broken = new Map<string, MeterError>();
  for (const name of [...new Set([...described, ...compiled])].sort()) {
    const pair = pairOf(name, files, objects, described.has(name), compiled.has(name));
    if (pair instanceof MeterError) broken.set(name, pair);
    else programs.push(pair);
  }
  return { programs, errors: [...broken.values()], broken };
}

/** What was found in a folder, and of those within it what is wanted by a name such as SUB/NAME. */
function withNested(found: FoundPrograms, files: string, objects: string, wanted: readonly string[]): FoundPrograms {
  const programs = [...found.programs];
  const broken = new Map(found.broken);
  const errors = [...found.errors];
  for (const name of new Set(wanted.filter((one) => one.includes('/')))) {
    const isDescribed = existsSync(join(files, name + fileSuffix));
    const isCompiled = existsSync(join(objects, name + objectSuffix));
    if (!isDescribed && !isCompiled) continue;
    const pair = pairOf(name, files, objects, isDescribed, isCompiled);
    if (pair instanceof MeterError) {
      broken.set(name, pair);
      errors.push(pair);
    } else {
      programs.push(pair);
    }
  }
  return { programs, errors, broken };
}

/** The pair of which at least a half is there; why it can't do without the other one. */
function pairOf(
  name: string,
  files: string,
  objects: string,
  isDescribed: boolean,
  isCompiled: boolean,
): ProgramFiles | MeterError {
  const pair = { name, file: join(files, name + fileSuffix), object: join(objects, name + objectSuffix) };
  if (isDescribed && isCompiled) return pair;
  if (isDescribed) return whyWithObject(pair) ?? { ...pair, object: undefined };
  const message = `${pair.object}: its description ${pair.file} is missing`;
  return new MeterError('config', message, { remedy: 'Write one, or remove the object' });
}

/**
 * Why the file can't do without its object, which isn't there; undefined where it can, or is so wrong that it can't be told:
 * then its own errors say more.
 */
function whyWithObject({ file, object }: { readonly file: string; readonly object: string }): MeterError | undefined {
  let text: string;
  try {
    text = readUserFile(file).toString('utf8');
  } catch {
    return undefined;
  }
  const diagnostics = new Diagnostics();
  const parsed = parseProgramFile(text, file, diagnostics);
  if (parsed === undefined || needsNoObject(parsed)) return undefined;
  const { maps, metrics } = parsed;
  // A program without C, but for a name that is probably mistyped.
  if (maps.size > 0 && [...maps.values()].every(({ isWithoutC }) => isWithoutC)) {
    for (const metric of metrics) {
      const { value, at } = metric.map ?? metric.name;
      if (maps.has(value)) continue;
      diagnostics.error(at, `no map "${value}" in this file, nor an object ${object}${suggest(value, maps.keys())}`);
    }
    if (diagnostics.hasErrors) return new ConfigError(diagnostics.errors);
  }
  const message = `${file}: its object ${object} is missing`;
  return new MeterError('config', message, { remedy: 'Compile it, or remove the YAML' });
}

function byName(one: ProgramFiles, other: ProgramFiles): number {
  return one.name < other.name ? -1 : 1;
}

function names(directory: string, suffix: string, errors: MeterError[]): Set<string> {
  try {
    const files = readdirSync(directory).filter((name) => name.endsWith(suffix) && name !== suffix);
    return new Set(files.map((name) => name.slice(0, -suffix.length)));
  } catch (cause) {
    const message = `${directory}: the folder can't be read`;
    errors.push(new MeterError('config', message, { cause, remedy: pairs }));
    return new Set();
  }
}
